#include "models/digests.h"

#include <openssl/sha.h>

namespace vtwin::models {

std::array<std::byte, 20> sha1_of(byte_view data) {
    std::array<std::byte, 20> digest;
    SHA1(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

std::array<std::byte, 32> sha256_of(byte_view data) {
    std::array<std::byte, 32> digest;
    SHA256(reinterpret_cast<const unsigned char*>(data.data()), data.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

}  // namespace vtwin::models
