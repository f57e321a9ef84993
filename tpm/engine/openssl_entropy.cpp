#include "tpm/engine/openssl_entropy.h"

#include <openssl/rand.h>

namespace vtwin::tpm {

namespace {

// OpenSSL's generator hook is process-wide and takes no context: this is the context.
entropy_if* s_entropy = nullptr;

int draw(unsigned char* out, int count) {
    if (s_entropy == nullptr)
        return RAND_OpenSSL()->bytes(out, count);
    if (count > 0)
        s_entropy->fill({reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(count)});
    return s_entropy->works() ? 1 : 0;
}

int seed(const void* data, int count) {
    return s_entropy == nullptr ? RAND_OpenSSL()->seed(data, count) : 1;
}

int add(const void* data, int count, double randomness) {
    return s_entropy == nullptr ? RAND_OpenSSL()->add(data, count, randomness) : 1;
}

int status() {
    return s_entropy == nullptr ? RAND_OpenSSL()->status() : 1;
}

const RAND_METHOD* seeded_method() {
    static const RAND_METHOD method{seed, draw, nullptr, add, draw, status};
    return &method;
}

}  // namespace

openssl_entropy_scope::openssl_entropy_scope(entropy_if& entropy) : m_outer(s_entropy) {
    if (RAND_get_rand_method() != seeded_method())
        RAND_set_rand_method(seeded_method());
    s_entropy = &entropy;
}

openssl_entropy_scope::~openssl_entropy_scope() {
    s_entropy = m_outer;
}

entropy_if* openssl_entropy_scope::current() {
    return s_entropy;
}

}  // namespace vtwin::tpm
