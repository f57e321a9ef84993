// Recordings as files: lines of JSON, one per operation, so that they can be read, cut and compared.
#pragma once

#include <string>

#include "models/live/recorded_work.h"

namespace vtwin::scenario::live {

/// First line: {"vtwin_recording":1,"tpm":"1.2","start":"guest"}, with "at":"hardware" behind it when it was
/// made there. Then one per operation:
/// {"operation":"command","think_ns":0,"data":"00c1...","status":"done","answer":"00c4..."}, with "locality"
/// and "file" where they are not 0 and without "data" or "answer" where they are empty. Octets are
/// hexadecimal.
std::string print_header(tpm::family version, models::live::start_mode start,
                         models::live::place at = models::live::place::guest);
std::string print_operation(const models::live::recorded_operation& what);

/// `name` is for messages. Throws user_error that names the line.
models::live::recording parse_recording(const std::string& text, const std::string& name);

}  // namespace vtwin::scenario::live
