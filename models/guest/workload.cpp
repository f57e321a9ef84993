#include "models/guest/workload.h"

#include <fmt/format.h>

#include <utility>

#include "tpm/chips/duration.h"
#include "tpm/codec/tpm12_client.h"
#include "tpm/codec/tpm20.h"

namespace vtwin::models {

namespace tpm12 = tpm::tpm12;
using command = load_config::command;
using level = stubdom_services_if::level;
using sc_core::sc_time;

namespace {

__extension__ using uint128 = unsigned __int128;

constexpr std::uint16_t to_chip_tag = 0x01C1;  // VTPM_TAG_REQ: the vTPM hands it on as an ordinary command
constexpr std::uint32_t read_pcr = 0, extended_pcr = 16;  // 16: for debugging, nobody's evidence
constexpr std::uint32_t random_size = 20, quoted_pcrs = 0x1;
constexpr std::uint32_t deep_quote_with_uuid = 1;

bytes command_bytes(command what, chance_stream& chance) {
    tpm::wire_writer parameters;
    switch (what) {
        case command::vtpm_pcr_read:
        case command::chip_pcr_read:
            return tpm12::plain_command(tpm12::ord::pcr_read, parameters.u32(read_pcr).data());
        case command::vtpm_get_random:
        case command::chip_get_random:
            return tpm12::plain_command(tpm12::ord::get_random, parameters.u32(random_size).data());
        case command::vtpm_extend: {
            bytes digest(tpm12::digest_size);
            chance.fill(digest);
            return tpm12::plain_command(tpm12::ord::extend, parameters.u32(extended_pcr).raw(digest).data());
        }
        case command::quote:
        case command::deep_quote:
            break;
    }
    return {};
}

/// The same for a vTPM 2.0; the chip speaks TPM 1.2 all the same.
bytes command20_bytes(command what, chance_stream& chance) {
    namespace t20 = tpm::tpm20;
    switch (what) {
        case command::vtpm_pcr_read:
            return t20::pcr_read(t20::alg::sha256, read_pcr);
        case command::vtpm_get_random:
            return t20::get_random(random_size);
        case command::vtpm_extend: {
            std::vector<t20::bank_digest> digests;
            for (const std::uint16_t bank : {t20::alg::sha1, t20::alg::sha256}) {
                digests.push_back({bank, bytes(t20::digest_size(bank))});
                chance.fill(digests.back().digest);
            }
            return t20::pcr_extend(extended_pcr, digests);
        }
        default:
            return command_bytes(what, chance);
    }
}

}  // namespace

transport_result transport_watch::transmit(byte_view command) {
    transport_result result = m_inner.transmit(command);
    failure seen{result.error, 0};
    if (result && result.response.size() >= tpm::packet::body_at)
        seen.result = tpm::packet::code_of(result.response);
    if (m_failure.error == transport_error::none && m_failure.result == 0)
        m_failure = seen;
    return result;
}

transport_watch::failure transport_watch::take_failure() {
    return std::exchange(m_failure, {});
}

sc_time next_interval(const sc_time& mean, bool exponential, chance_stream& chance) {
    if (!exponential || mean == sc_core::SC_ZERO_TIME)
        return mean;
    const std::uint64_t drawn = chance.next_u64();
    const uint128 ticks = static_cast<uint128>(mean.value()) * tpm::minus_ln_q32(drawn == 0 ? 1 : drawn);
    return sc_time::from_value(static_cast<std::uint64_t>(ticks >> 32));
}

workload::workload(const load_config& config, transport_watch& device, guest_agent_if& agent,
                   stubdom_services_if& services, chance_stream chance, tpm::family version)
    : m_config(config),
      m_device(device),
      m_agent(agent),
      m_services(services),
      m_chance(std::move(chance)),
      m_version(version) {}

bool workload::run(std::string& problem) {
    if (!prepare(problem))
        return false;
    wait_for_start();
    m_begin = m_services.now();
    on_begun();
    if (m_config.open)
        run_open();
    else
        run_closed();
    return true;
}

bool workload::prepare(std::string& problem) {
    m_command = m_version == tpm::family::tpm20 ? command20_bytes(m_config.what, m_chance)
                                                : command_bytes(m_config.what, m_chance);
    if (m_config.what != command::quote && m_config.what != command::deep_quote)
        return true;
    m_challenge.nonce.resize(tpm12::digest_size);
    m_chance.fill(m_challenge.nonce);
    m_challenge.vtpm_pcr_mask = m_challenge.hardware_pcr_mask = quoted_pcrs;
    m_challenge.deep_quote_flags = deep_quote_with_uuid;
    return m_agent.enrol(problem);
}

void workload::wait_for_start() {
    m_services.pay();
    if (!m_config.start)
        return;
    const sc_time now = m_services.now();
    if (now < *m_config.start)
        m_services.sleep(*m_config.start - now);
    else if (now > *m_config.start)
        m_services.log(level::warning,
                       fmt::format("its load begins {} late", (now - *m_config.start).to_string()));
}

bool workload::over(std::uint64_t number, const sc_time& at) const {
    return (m_config.count != 0 && number >= m_config.count) ||
           (m_config.duration != sc_core::SC_ZERO_TIME && at >= m_begin + m_config.duration);
}

void workload::run_closed() {
    for (std::uint64_t number = 0; !over(number, m_services.now()); ++number) {
        operate(number, m_services.now());
        const sc_time think = next_interval(m_config.interval, m_config.exponential, m_chance);
        if (think != sc_core::SC_ZERO_TIME)
            m_services.sleep(think);
    }
}

void workload::run_open() {
    sc_time arrival = m_begin;
    for (std::uint64_t number = 0;; ++number) {
        arrival += next_interval(m_config.interval, m_config.exponential, m_chance);
        if (over(number, arrival))
            return;
        if (m_services.now() < arrival)
            m_services.sleep(arrival - m_services.now());
        operate(number, arrival);
    }
}

void workload::operate(std::uint64_t number, const sc_time& arrived) {
    load_operation done;
    done.number = number;
    done.arrived = arrived;
    done.started = m_services.now();
    (void)m_device.take_failure();
    send();
    m_services.pay();
    done.ended = m_services.now();
    done.failure = m_device.take_failure();
    on_operation(done);
}

void workload::send() {
    std::string problem;
    switch (m_config.what) {
        case command::quote:
            (void)m_agent.quote(m_challenge, problem);
            break;
        case command::deep_quote:
            (void)m_agent.deep_quote(m_challenge, problem);
            break;
        case command::chip_pcr_read:
        case command::chip_get_random: {
            bytes to_chip = m_command;
            tpm::store_be16(std::span(to_chip).first(2), to_chip_tag);
            (void)m_device.transmit(to_chip);
            break;
        }
        case command::vtpm_pcr_read:
        case command::vtpm_extend:
        case command::vtpm_get_random:
            (void)m_device.transmit(m_command);
            break;
    }
}

}  // namespace vtwin::models
