#include <weir/base/json_text.hpp>

#include <cassert>
#include <utility>

namespace weir {

json_text::json_text(layout how) : layout_(how) {
  open('{', '}');
}

void json_text::add(std::string_view name, std::string_view value) {
  begin_member(name);
  write_string(value);
}

void json_text::add_null(std::string_view name) {
  begin_member(name);
  text_ += "null";
}

void json_text::add(std::string_view name, bool value) {
  begin_member(name);
  text_ += value ? "true" : "false";
}

void json_text::add_number(std::string_view name, std::uint64_t value) {
  begin_member(name);
  text_ += std::to_string(value);
}

void json_text::add_number(std::string_view name, std::int64_t value) {
  begin_member(name);
  text_ += std::to_string(value);
}

void json_text::open_object() {
  begin_value();
  open('{', '}');
}

void json_text::open_object(std::string_view name) {
  begin_member(name);
  open('{', '}');
}

void json_text::open_array(std::string_view name) {
  begin_member(name);
  open('[', ']');
}

void json_text::add_element(std::string_view value) {
  begin_value();
  write_string(value);
}

void json_text::close() {
  const bool is_empty = is_first_;
  const char bracket = closing_.back();
  closing_.pop_back();
  if (!is_empty) break_line();
  text_ += bracket;
  is_first_ = false;
}

std::string json_text::finish() && {
  while (!closing_.empty()) close();
  return std::move(text_);
}

void json_text::open(char bracket, char closing) {
  text_ += bracket;
  closing_ += closing;
  is_first_ = true;
}

void json_text::begin_value() {
  assert(!closing_.empty());
  if (!is_first_) text_ += layout_ == layout::line ? ", " : ",";
  is_first_ = false;
  break_line();
}

void json_text::begin_member(std::string_view name) {
  begin_value();
  write_string(name);
  text_ += ": ";
}

void json_text::break_line() {
  if (layout_ == layout::line) return;
  text_ += '\n';
  text_.append(2 * closing_.size(), ' ');
}

void json_text::write_string(std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  text_ += '"';
  for (const char letter : value) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') text_ += '\\';
    if (code < 0x20)
      text_.append("\\u00").append({digits[code / 16], digits[code % 16]});
    else
      text_ += letter;
  }
  text_ += '"';
}

} // namespace weir
