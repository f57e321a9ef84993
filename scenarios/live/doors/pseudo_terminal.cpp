#include "scenarios/live/doors/pseudo_terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace vtwin::scenario::live {
namespace {

constexpr mode_t only_user = 0600;
constexpr std::size_t longest_device = 64;

int checked(int result, const char* what) {
    if (result < 0)
        throw std::system_error(errno, std::generic_category(), what);
    return result;
}

int open_master() {
    return checked(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), "a pseudo-terminal");
}

int open_events() {
    return checked(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC), "inotify");
}

/// On Linux the master end sets what the other end does with octets.
void make_raw(int master) {
    termios modes{};
    checked(::tcgetattr(master, &modes), "a pseudo-terminal");
    ::cfmakeraw(&modes);
    checked(::tcsetattr(master, TCSANOW, &modes), "a pseudo-terminal");
}

}  // namespace

pseudo_terminal::pseudo_terminal(asio::io_context& io)
    : m_master(io, open_master()), m_events(io, open_events()) {
    const int master = m_master.native_handle();
    std::array<char, longest_device> name{};
    checked(::grantpt(master), "a pseudo-terminal");
    checked(::unlockpt(master), "a pseudo-terminal");
    if (const int error = ::ptsname_r(master, name.data(), name.size()); error != 0)
        throw std::system_error(error, std::generic_category(), "a pseudo-terminal");
    m_device = name.data();
    checked(::chmod(m_device.c_str(), only_user), m_device.c_str());
    make_raw(master);
    // Equal events that follow each other come as one: what a client does in between keeps its opening apart.
    checked(::inotify_add_watch(m_events.native_handle(), m_device.c_str(), IN_OPEN | IN_MODIFY | IN_CLOSE),
            m_device.c_str());
}

std::uint64_t pseudo_terminal::opened() {
    // Only the device is watched, so that no event carries a name.
    std::array<inotify_event, 16> events{};
    ssize_t octets = 0;
    while ((octets = ::read(m_events.native_handle(), events.data(), sizeof events)) > 0)
        for (std::size_t i = 0; i < static_cast<std::size_t>(octets) / sizeof(inotify_event); ++i)
            m_opened += (events.at(i).mask & IN_OPEN) != 0 ? 1 : 0;
    return m_opened;
}

device_link::device_link(std::string path, const std::string& target)
    : m_path(std::move(path)), m_target(target) {
    checked(::symlink(target.c_str(), m_path.c_str()), m_path.c_str());
}

device_link::~device_link() {
    if (ours())
        ::unlink(m_path.c_str());
}

bool device_link::ours() const {
    std::error_code error;
    return std::filesystem::read_symlink(m_path, error) == m_target && !error;
}

void device_link::point_to(const std::string& target) {
    if (!ours())
        throw std::system_error(std::make_error_code(std::errc::file_exists), m_path);
    const std::string next = fmt::format("{}.{}.new", m_path, ::getpid());
    checked(::symlink(target.c_str(), next.c_str()), next.c_str());
    if (::rename(next.c_str(), m_path.c_str()) != 0) {
        const int error = errno;
        ::unlink(next.c_str());
        throw std::system_error(error, std::generic_category(), m_path);
    }
    m_target = target;
}

}  // namespace vtwin::scenario::live
