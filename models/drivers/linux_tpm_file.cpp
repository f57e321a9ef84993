#include "models/drivers/linux_tpm_file.h"

#include <algorithm>

#include "models/drivers/linux_errno.h"

namespace vtwin::models {

using xen::errno_t;

linux_tpm_file::linux_tpm_file(linux_tpm_chip& chip, kernel& owner, node which, driver_params params)
    : m_chip(chip),
      m_kernel(owner),
      m_params(std::move(params)),
      m_node(which),
      m_buffer(linux_tpm_chip::buffer_size) {}

int linux_tpm_file::open() {
    m_kernel.charge(m_kernel.costs().syscall);
    const bool there = m_chip.registered() && (m_node == node::tpm0 || m_chip.is_tpm20());
    if (!there)
        return error(errno_t::enodev);
    if (m_node == node::tpm0 && !m_chip.take_file())
        return error(errno_t::ebusy);
    if (m_node == node::tpmrm0)
        m_space.emplace(m_chip, m_kernel, m_params);
    m_generation = m_chip.generation();
    m_length = 0;
    m_touched = true;
    return 0;
}

void linux_tpm_file::forget_unread() {
    if (m_length == 0 || m_kernel.now() < m_forgotten_at)
        return;
    m_length = 0;
    m_touched = true;
    std::ranges::fill(m_buffer, std::byte{0});
}

int linux_tpm_file::write(byte_view data) {
    const auto refused = [this](int why) {
        m_kernel.charge(m_kernel.costs().syscall);
        return why;
    };
    forget_unread();
    if (data.size() > m_buffer.size())
        return refused(error(errno_t::e2big));
    if (m_length != 0 && !m_touched)
        return refused(error(errno_t::ebusy));
    std::ranges::copy(data, m_buffer.begin());
    if (const int why = linux_tpm_chip::check_written(data); why < 0)
        return refused(why);
    m_length = m_offset = 0;
    m_touched = false;
    bytes response;
    const int result = !has_its_driver() ? broken_pipe
                       : m_space         ? m_space->transmit_from_user(data, response)
                                         : m_chip.transmit_from_user(data, response);
    if (result <= 0)
        return result;
    std::ranges::copy(response, m_buffer.begin());
    m_length = response.size();
    m_forgotten_at = m_kernel.now() + m_params.linux_unread_kept;
    return static_cast<int>(data.size());
}

int linux_tpm_file::read(std::span<std::byte> into) {
    m_kernel.charge(m_kernel.costs().syscall);
    forget_unread();
    if (m_length == 0)
        return 0;
    m_touched = true;
    const std::size_t count = std::min(into.size(), m_length);
    const auto from = m_buffer.begin() + static_cast<std::ptrdiff_t>(m_offset);
    const auto end = from + static_cast<std::ptrdiff_t>(count);
    std::copy(from, end, into.begin());
    std::fill(from, end, std::byte{0});
    m_offset += count;
    m_length = count == 0 ? 0 : m_length - count;
    return static_cast<int>(count);
}

bool linux_tpm_file::readable() {
    m_kernel.charge(m_kernel.costs().syscall);
    forget_unread();
    return m_length != 0;
}

void linux_tpm_file::close() {
    m_kernel.charge(m_kernel.costs().syscall);
    m_length = 0;
    if (m_space && has_its_driver())
        m_space->close();
    m_space.reset();
    if (m_node == node::tpm0 && has_its_driver())
        m_chip.give_file_back();
}

int linux_tpm_file::exchange(byte_view command, bytes& response) {
    response.clear();
    if (const int taken = write(command); taken < 0)
        return taken;
    response.resize(m_length);
    return read(response);
}

}  // namespace vtwin::models
