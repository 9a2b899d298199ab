// flat_result<T>: result<T>, and result<T> again for a T that is a result itself: for what runs a user's
// function that may or may not give a result.
#pragma once

#include <weir/base/result.hpp>

namespace weir {

template <class T>
struct flat_result_of {
  using type = result<T>;
};
template <class T>
struct flat_result_of<result<T>> {
  using type = result<T>;
};

template <class T>
using flat_result = typename flat_result_of<T>::type;

} // namespace weir
