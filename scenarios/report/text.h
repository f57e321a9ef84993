// Text that may come from anywhere, made fit for a page or a terminal; numbers as readers want them.
#pragma once

#include <string>
#include <string_view>

namespace vtwin::scenario::report {

/// Valid UTF-8 without control characters and without those that turn the direction of writing: line ends and
/// tabs become spaces, everything else of that kind and every malformed byte becomes U+FFFD.
std::string printable(std::string_view text);

/// `printable`, with the five characters escaped that mean something in HTML text or attributes.
std::string escape_html(std::string_view text);

/// Characters of a printable text.
std::size_t length_of(std::string_view text);

/// The first `length` characters; the last one is "…" when something was cut off.
std::string shortened(std::string_view text, std::size_t length);

/// Five significant digits, without exponent where the number is readable; the same on every machine.
std::string number_text(double value);

}  // namespace vtwin::scenario::report
