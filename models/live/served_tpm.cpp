#include "models/live/served_tpm.h"

#include <utility>

#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm20.h"

namespace vtwin::models::live {

using kind = operation::kind;
using status = answer::status;

namespace {

constexpr int no_device = -static_cast<int>(xen::errno_t::enodev);

/// The TPM's own word for a locality that it does not take a command from.
bytes bad_locality(tpm::family version) {
    constexpr std::uint16_t tag_response = 0x00C4, st_no_sessions = 0x8001;
    constexpr std::uint32_t header_size = 10, bad_locality_12 = 61, rc_locality = 0x907;
    const bool two = version == tpm::family::tpm20;
    tpm::wire_writer out;
    out.u16(two ? st_no_sessions : tag_response).u32(header_size).u32(two ? rc_locality : bad_locality_12);
    return out.take();
}

}  // namespace

bytes startup_clear(tpm::family version) {
    if (version == tpm::family::tpm20)
        return tpm::tpm20::startup(tpm::tpm20::su::clear);
    tpm::wire_writer mode;
    return tpm::tpm12::plain_command(tpm::tpm12::ord::startup, mode.u16(1).data());
}

void served_tpm::serve() {
    while (auto item = m_work.next()) {
        if (os().now() < item->at)
            os().sleep(item->at - os().now());
        if (item->idle)
            continue;
        answer result = perform(item->what);
        m_work.done(item->what, std::move(result));
    }
}

answer served_tpm::perform(const operation& what) {
    const auto begun = os().now();
    answer result = what.what == kind::command ? command(what)
                    : what.what == kind::close ? close(what)
                                               : beside_the_device(what);
    os().pay();
    result.begun = begun;
    result.ended = os().now();
    return result;
}

answer served_tpm::command(const operation& what) {
    answer result;
    linux_tpm_chip* const chip = device();
    if (!m_powered) {
        result.what = status::no_power;
        return result;
    }
    m_untouched = false;
    if (!use_locality(what.locality)) {
        result.data = bad_locality(version());
        return result;
    }
    const int length = chip == nullptr ? no_device : transmit(*chip, what, result.data);
    if (length < 0) {
        result.what = status::failed;
        result.error = length;
        result.data.clear();
    }
    return result;
}

/// Nobody closes them: there are no commands any more.
void served_tpm::lose_files() {
    if (m_files.contains(0) && device() != nullptr)
        device()->give_file_back();
    m_files.clear();
}

int served_tpm::transmit(linux_tpm_chip& chip, const operation& what, bytes& response) {
    using node = linux_tpm_file::node;
    const node which = what.file == 0 ? node::tpm0 : node::tpmrm0;
    const auto [file, fresh] = m_files.try_emplace(what.file, chip, os(), which, chip.params());
    if (fresh) {
        if (const int refused = file->second.open(); refused < 0) {
            m_files.erase(file);
            return refused;
        }
    }
    return file->second.exchange(what.data, response);
}

answer served_tpm::close(const operation& what) {
    if (const auto open = m_files.find(what.file); open != m_files.end()) {
        open->second.close();
        m_files.erase(open);
    }
    return {};
}

}  // namespace vtwin::models::live
