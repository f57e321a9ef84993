#include "scenarios/config/files.h"

#include <openssl/evp.h>

#include <fstream>

namespace vtwin::scenario {
namespace {

models::bytes digest(const EVP_MD* kind, models::byte_view data) {
    models::bytes out(static_cast<std::size_t>(EVP_MD_get_size(kind)));
    int ok = EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, kind,
                        nullptr);
    sc_assert(ok == 1);
    return out;
}

}  // namespace

models::bytes sha1(models::byte_view data) {
    return digest(EVP_sha1(), data);
}
models::bytes sha256(models::byte_view data) {
    return digest(EVP_sha256(), data);
}

file_content read_file(const std::string& path) {
    std::error_code error;
    auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found)
        return {std::nullopt, "no such file"};
    if (status.type() == std::filesystem::file_type::directory)
        return {std::nullopt, "is a directory"};
    if (status.type() != std::filesystem::file_type::regular)
        return {std::nullopt, "is no regular file"};  // a device or a pipe need not end
    std::ifstream in(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.is_open() || in.bad())
        return {std::nullopt, "cannot be read"};
    auto view = std::as_bytes(std::span(text));
    return {models::bytes(view.begin(), view.end()), ""};
}

models::measured_file measure_file(const std::string& path, bool keep_content, const origin& where,
                                   const std::string& key, std::vector<problem>& problems) {
    models::measured_file file;
    file.path = path;
    file_content read = read_file(path);
    if (!read.content) {
        problems.push_back({where, key, path + ": " + read.reason});
        return file;
    }
    file.sha1 = sha1(*read.content);
    file.sha256 = sha256(*read.content);
    if (keep_content)
        file.content = std::move(*read.content);
    return file;
}

}  // namespace vtwin::scenario
