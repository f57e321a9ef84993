// An open file of /dev/tpm0 or /dev/tpmrm0: what a program meets at open, write, read, poll and close.
// Source: Linux drivers/char/tpm: tpm-dev-common.c, tpm-dev.c, tpmrm-dev.c (6.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "models/drivers/linux_tpm_chip.h"
#include "models/drivers/linux_tpm_space.h"

namespace vtwin::models {

/// One write() is one command, carried out before write() comes back (the file is not O_NONBLOCK); its
/// response waits in the file. A response that was not read, not even in part, refuses the next command; it
/// is forgotten driver_params::linux_unread_kept after it came, when the domain's clock says so (Linux' timer
/// wheel may be up to 2 s later).
///
/// Nothing happens when the object goes away: a file that a dead domain had open is closed by nobody. From a
/// thread of the kernel, one caller at a time; each call costs a system call.
class linux_tpm_file {
  public:
    enum class node : std::uint8_t {
        tpm0,    ///< the TPM as it is, for one opener at a time
        tpmrm0,  ///< through the resource manager; each file has a space of its own
    };

    /// Not open yet. The chip must outlive the file; the kernel is the chip's.
    linux_tpm_file(linux_tpm_chip& chip, kernel& owner, node which, driver_params params = {});

    /// 0; -ENODEV when the kernel has no such device: no driver has registered, or there is no TPM 2.0 for
    /// tpmrm0; -EBUSY when somebody has tpm0 open.
    int open();
    /// How many octets were taken, which are all: those behind the length that a command states are ignored.
    /// Or a negative errno. Without a command: -EBUSY for a response that is unread; -E2BIG for more than
    /// linux_tpm_chip::buffer_size; -EINVAL for less than 6 octets or than the command states (a response
    /// that was read in part is then overwritten where it lies). With one: what it failed with, and there is
    /// nothing to read.
    int write(byte_view data);
    /// The next octets of the response, as many as there is room for: their number, or 0 when there are none.
    /// No room at all throws the rest away.
    int read(std::span<std::byte> into);
    /// poll(): something is there to be read; otherwise the file can be written.
    bool readable();
    /// An unread response is lost; /dev/tpmrm0's sessions are flushed.
    void close();

    /// A command and all of its response, as most programs do it: the response's length or a negative errno.
    int exchange(byte_view command, bytes& response);

  private:
    void forget_unread();
    /// The driver that was there when the file was opened is there.
    bool has_its_driver() const { return m_generation == m_chip.generation(); }

    linux_tpm_chip& m_chip;
    kernel& m_kernel;
    driver_params m_params;
    node m_node;
    std::uint64_t m_generation = 0;          ///< of the chip's driver when the file was opened
    std::optional<linux_tpm_space> m_space;  ///< of /dev/tpmrm0
    bytes m_buffer;                          ///< command and response, one over the other
    std::size_t m_offset = 0, m_length = 0;  ///< of what is left of the response
    bool m_touched = true;                   ///< some of it was read
    sc_core::sc_time m_forgotten_at;
};

}  // namespace vtwin::models
