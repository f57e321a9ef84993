// /dev/tpmrm0: the TPM 2.0 resource manager in a Linux kernel. Every open file has a space, whose keys and
// sessions are in the TPM only while one of its commands is executed.
// Source: Linux drivers/char/tpm: tpm2-space.c, tpmrm-dev.c, tpm-dev-common.c (6.1).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "models/drivers/driver_params.h"
#include "models/drivers/linux_tpm_chip.h"
#include "models/kernel/kernel.h"

namespace vtwin::models {

/// One open file. What a command costs: a ContextLoad for each object and session of the space before it, a
/// ContextSave for each behind it and a FlushContext for each object; all of them are commands on the wire.
///
/// Objects have handles of their own in each space, 0x80FFFFFF downwards; sessions keep the TPM's. Commands
/// that the TPM did not list when the driver started are answered here: 0x000B0143.
class linux_tpm_space {
  public:
    static constexpr std::size_t most_objects = 3, most_sessions = 3;
    static constexpr std::size_t buffer_size = 16384;  ///< TPM2_SPACE_BUFFER_SIZE, of objects and of sessions

    /// open(). The chip must outlive the space; the kernel is the chip's. Without a started TPM 2.0 behind
    /// the chip every command is -EINVAL (Linux then has no /dev/tpmrm0).
    linux_tpm_space(linux_tpm_chip& chip, kernel& owner, driver_params params = {});

    /// What write() does, at the price of one system call: the number of response bytes, or a negative errno:
    /// -E2BIG and -EINVAL for what write() refuses, -EPIPE without the chip, what the driver says when a
    /// command fails on its way; -EINVAL for a handle that is not the space's; -ENOMEM when the space is
    /// full, and the new object is lost; -EFAULT when the TPM did not load or save or answered nonsense;
    /// -ENOENT when an object's context is not valid any more. After an error from the middle of a command
    /// the space has the objects that it had before, but its sessions are flushed. From a thread of the
    /// kernel; one caller at a time.
    int transmit_from_user(byte_view written, bytes& response);

    /// close(): flushes the sessions; objects are in no TPM. From a thread of the kernel. The space is then
    /// as if just opened.
    void close();

  private:
    /// Handles in the TPM: 0 for a free place, `saved` for an object whose context is in the buffer.
    struct contents {
        std::array<std::uint32_t, most_objects> objects{};
        std::array<std::uint32_t, most_sessions> sessions{};
        bytes object_buffer = bytes(buffer_size), session_buffer = bytes(buffer_size);
    };
    static constexpr std::uint32_t saved = 0xFFFFFFFF;

    int transmit_held(std::size_t written);
    int prepare(std::uint32_t code);
    int commit(std::uint32_t code, std::size_t& length);

    int load_all();
    int load(byte_view buffer, std::size_t& offset, std::uint32_t& handle);
    int save_all();
    int save(std::uint32_t handle, bytes& buffer, std::size_t& offset);
    void flush(std::uint32_t handle);
    void flush_sessions(const contents& of);
    void flush_all();
    int judged(const std::string& what, int result);

    int map_command(std::uint32_t attributes);
    int map_response_handle(std::uint32_t attributes);
    int map_handle_list(std::size_t& length);
    std::uint32_t virtual_of(std::uint32_t handle) const;

    std::uint32_t get(std::size_t at) const;
    void put(std::size_t at, std::uint32_t value);

    linux_tpm_chip& m_chip;
    kernel& m_kernel;
    driver_params m_params;
    contents m_kept;   ///< between commands
    contents m_work;   ///< during one
    bytes m_exchange;  ///< the file's buffer: a response lies over its command
};

}  // namespace vtwin::models
