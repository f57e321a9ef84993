#include "scenarios/config/files.h"

#include <openssl/evp.h>

#include <fstream>
#include <memory>

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

std::optional<models::bytes> sha256_of_file(const std::filesystem::path& path) {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    sc_assert(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
    std::ifstream in(path, std::ios::binary);
    for (std::vector<char> chunk(std::size_t{1} << 16); in;) {
        in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        EVP_DigestUpdate(context.get(), chunk.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (!in.is_open() || in.bad())
        return std::nullopt;
    models::bytes out(static_cast<std::size_t>(EVP_MD_get_size(EVP_sha256())));
    EVP_DigestFinal_ex(context.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return out;
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
    models::bytes content;
    for (std::vector<char> chunk(std::size_t{1} << 16); in;) {
        in.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
        const auto read = std::as_bytes(std::span(chunk)).first(static_cast<std::size_t>(in.gcount()));
        content.insert(content.end(), read.begin(), read.end());
    }
    if (!in.is_open() || in.bad())
        return {std::nullopt, "cannot be read"};
    return {std::move(content), ""};
}

std::map<std::string, std::filesystem::path> files_below(const std::filesystem::path& directory) {
    std::map<std::string, std::filesystem::path> files;
    std::error_code error;
    auto entry = std::filesystem::recursive_directory_iterator(directory, error);
    for (const auto end = decltype(entry)(); !error && entry != end; entry.increment(error)) {
        std::error_code odd;  // a link to nowhere, or to itself, is no file
        if (entry->is_regular_file(odd))
            files[entry->path().lexically_relative(directory).generic_string()] = entry->path();
    }
    if (error)
        throw user_error({directory.string(), 0}, "", "cannot be looked through: " + error.message());
    return files;
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
