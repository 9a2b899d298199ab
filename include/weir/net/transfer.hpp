// transfer stands in base/: streams and files both tell by it how far they came.
#pragma once

#include <weir/base/transfer.hpp>
