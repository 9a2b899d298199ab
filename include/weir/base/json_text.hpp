// json_text: writes one JSON object (RFC 8259), member by member.
//
//   json_text text(json_text::layout::line);
//   text.add("peers", 3); text.open_object("memory"); text.add("bytes", 4096); text.close();
//   std::move(text).finish()      {"peers": 3, "memory": {"bytes": 4096}}
//
// Thread rule: one thread. Bound: the memory of what it writes. Errors: std::bad_alloc.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

class json_text {
 public:
  enum class layout : std::uint8_t { line, indented };

  explicit json_text(layout how);

  /// Members of the innermost object, in the order of the calls.
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, const char* value) { add(name, std::string_view(value)); }
  void add(std::string_view name, std::unsigned_integral auto value) {
    add_number(name, std::uint64_t{value});
  }
  void add(std::string_view name, std::signed_integral auto value) { add_number(name, std::int64_t{value}); }
  void add(std::string_view name, bool value);
  template <class T>
  void add_or_null(std::string_view name, const std::optional<T>& value) {
    if (value)
      add(name, *value);
    else
      add_null(name);
  }
  void open_object(std::string_view name);
  void open_array(std::string_view name);

  /// Elements of the innermost array.
  void add_element(std::string_view value);
  void open_object();

  /// Ends the innermost object or array.
  void close();
  /// Ends all of them; the text has no line end.
  std::string finish() &&;

 private:
  void begin_value();
  void begin_member(std::string_view name);
  void add_null(std::string_view name);
  void add_number(std::string_view name, std::uint64_t value);
  void add_number(std::string_view name, std::int64_t value);
  void open(char bracket, char closing);
  void write_string(std::string_view value);
  void break_line();

  std::string text_;
  std::string closing_; ///< the brackets that are open, innermost last
  layout layout_;
  bool is_first_ = true; ///< of the innermost object or array
};

} // namespace weir
