#include "tpm/engine/rsa_memo.h"

#include <memory>

#include <openssl/sha.h>

namespace vtwin::tpm {

namespace {

// OpenSSL's functions, which recall from here, take no context: this is the context.
std::unique_ptr<shared_memo> s_memo;

memo_digest digest_of(std::string_view function, std::initializer_list<byte_view> parts) {
    SHA256_CTX context;
    SHA256_Init(&context);
    const auto add = [&](const void* data, std::uint64_t size) {
        SHA256_Update(&context, &size, sizeof size);
        SHA256_Update(&context, data, size);
    };
    add(function.data(), function.size());
    for (const auto part : parts)
        add(part.data(), part.size());
    memo_digest digest;
    SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context);
    return digest;
}

}  // namespace

void rsa_memo::share(std::size_t bytes) {
    if (!s_memo)
        s_memo = std::make_unique<shared_memo>(bytes);
}

void rsa_memo::stop() {
    s_memo.reset();
}

rsa_memo::figures rsa_memo::statistics() {
    if (!s_memo)
        return {};
    return {s_memo->entries(), s_memo->hits(), s_memo->misses()};
}

bytes rsa_memo::recall(std::string_view function, std::initializer_list<byte_view> parts,
                       const std::function<bytes()>& compute) {
    if (!s_memo)
        return compute();
    const auto key = digest_of(function, parts);
    if (auto known = s_memo->find(key))
        return std::move(*known);
    auto value = compute();
    if (!value.empty())
        s_memo->insert(key, value);
    return value;
}

}  // namespace vtwin::tpm
