#include "hypervisor/block/vbd.h"

#include <algorithm>

#include "hypervisor/bytes.h"

namespace vtwin::xen {

vbd::vbd(sc_core::sc_module_name name, machine& host, disk_if& disk,
         observation_port<block_request_done>& request_done)
    : sc_module(name), m_host(host), m_disk(disk), m_request_done(request_done) {
    SC_METHOD(step);
    sensitive << m_step;
    dont_initialize();
}

bool vbd::connect(domid_t frontend, grant_ref ring, evtchn_port port, bool writable) {
    if (connected() || m_ring.map(m_host, frontend, ring, false) != gntst::okay) {
        return false;
    }
    m_frontend = frontend;
    m_writable = writable;
    m_intact = true;
    m_rsp_prod = read_index(blkif::ring::rsp_prod);
    m_req_cons = m_rsp_prod;  // a ring in use goes on behind its last response
    ++m_session;
    m_port = std::make_unique<service_port>(m_host, [this] { doorbell(); });
    if (m_port->bind_interdomain(frontend, port) != 0) {
        disconnect();
        return false;
    }
    return true;
}

void vbd::disconnect() {
    m_port.reset();
    m_ring.unmap();
    m_look_at.reset();
    ++m_session;
}

std::uint32_t vbd::read_index(std::size_t at) const {
    std::byte raw[4];
    m_ring.read(at, raw);
    return load_le<std::uint32_t>(raw);
}

void vbd::write_index(std::size_t at, std::uint32_t value) {
    std::byte raw[4];
    store_le(raw, value);
    m_ring.write(at, raw);
}

void vbd::doorbell() {
    if (!m_look_at && m_intact) {
        m_look_at = sc_core::sc_time_stamp() + m_host.costs().blk_backend;
        m_step.notify(
            m_host.costs().blk_backend);  // an earlier completion keeps its time: the earlier one wins
    }
}

void vbd::step() {
    const auto now = sc_core::sc_time_stamp();
    if (m_look_at && *m_look_at <= now) {
        m_look_at.reset();
        take_requests();
    }
    while (!m_jobs.empty() && m_jobs.front().due <= now) {
        auto work = std::move(m_jobs.front());
        m_jobs.pop_front();
        complete(work);
    }
    std::optional<sc_core::sc_time> next = m_look_at;
    if (!m_jobs.empty() && (!next || m_jobs.front().due < *next)) {
        next = m_jobs.front().due;
    }
    if (next) {
        m_step.notify(*next - now);
    }
}

void vbd::take_requests() {
    const auto prod = read_index(blkif::ring::req_prod);
    if (prod - m_req_cons > blkif::ring::size) {
        m_intact = false;
        return;
    }
    while (m_req_cons != prod) {
        std::array<std::byte, blkif::ring::entry_size> wire;
        m_ring.read(blkif::ring::entry(m_req_cons), wire);
        ++m_req_cons;
        accept(blkif::decode_request(wire));
    }
    write_index(blkif::ring::req_event, m_req_cons + 1);  // the next request is to ring the doorbell
}

/// Status that the request's own words earn it; `sectors` is how many it moves.
std::int16_t vbd::check(const blkif::request& request, std::uint32_t& sectors) const {
    if (request.operation > blkif::op_flush_diskcache) {
        return blkif::rsp_eopnotsupp;
    }
    const bool may_be_empty = request.operation >= blkif::op_write_barrier;
    if (request.nr_segments > blkif::max_segments || (request.nr_segments == 0 && !may_be_empty)) {
        return blkif::rsp_error;
    }
    if (request.operation != blkif::op_read && !m_writable) {
        return blkif::rsp_error;
    }
    for (std::size_t i = 0; i < request.nr_segments; ++i) {
        const auto& segment = request.seg[i];
        if (segment.last_sect >= blkif::sectors_per_page || segment.first_sect > segment.last_sect) {
            return blkif::rsp_error;
        }
        sectors += segment.last_sect - segment.first_sect + 1u;
    }
    const auto capacity = m_disk.sectors();
    if (sectors != 0 && (request.sector_number > capacity || sectors > capacity - request.sector_number)) {
        return blkif::rsp_error;
    }
    return blkif::rsp_okay;
}

std::int16_t vbd::map_pages(job& work) {
    work.pages.resize(work.request.nr_segments);
    for (std::size_t i = 0; i < work.pages.size(); ++i) {
        const bool from_guest = work.request.operation != blkif::op_read;
        if (work.pages[i].map(m_host, work.frontend, work.request.seg[i].gref, from_guest) != gntst::okay) {
            work.pages.clear();
            return blkif::rsp_error;
        }
    }
    return blkif::rsp_okay;
}

void vbd::copy_in(job& work) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < work.pages.size(); ++i) {
        const auto& segment = work.request.seg[i];
        const std::size_t length = (segment.last_sect - segment.first_sect + 1u) * sector_size;
        work.pages[i].read(segment.first_sect * sector_size, std::span(work.data).subspan(at, length));
        at += length;
    }
}

void vbd::copy_out(job& work) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < work.pages.size(); ++i) {
        const auto& segment = work.request.seg[i];
        const std::size_t length = (segment.last_sect - segment.first_sect + 1u) * sector_size;
        work.pages[i].write(segment.first_sect * sector_size, std::span(work.data).subspan(at, length));
        at += length;
    }
}

void vbd::accept(const blkif::request& request) {
    auto& work = m_jobs.emplace_back();
    const auto now = sc_core::sc_time_stamp();
    work.request = request;
    work.frontend = m_frontend;
    work.session = m_session;
    work.submitted = now;
    work.status = check(request, work.sectors);
    if (work.status == blkif::rsp_okay) {
        work.status = map_pages(work);
    }
    m_disk_free = std::max(m_disk_free, now);
    if (work.status == blkif::rsp_okay) {
        work.data.resize(work.sectors * sector_size);
        if (request.operation != blkif::op_read) {
            copy_in(work);
        }
        m_disk_free += disk_time(work);
    }
    work.due = m_disk_free + m_host.costs().blk_backend;
}

sc_core::sc_time vbd::disk_time(const job& work) const {
    const auto flush = [this] { return m_disk.service_time(disk_operation::flush, 0); };
    const auto move = [&](disk_operation what) {
        return work.sectors == 0 ? sc_core::SC_ZERO_TIME : m_disk.service_time(what, work.sectors);
    };
    switch (work.request.operation) {
        case blkif::op_read:
            return move(disk_operation::read);
        case blkif::op_write:
            return move(disk_operation::write);
        case blkif::op_write_barrier:
            return flush() + move(disk_operation::write) + flush();
        default:
            return flush() + move(disk_operation::write);
    }
}

bool vbd::do_disk(job& work) {
    const auto write = [&] {
        return work.sectors == 0 || m_disk.write(work.request.sector_number, work.data);
    };
    switch (work.request.operation) {
        case blkif::op_read:
            return m_disk.read(work.request.sector_number, work.data);
        case blkif::op_write:
            return write();
        case blkif::op_write_barrier:
            return m_disk.flush() && write() && m_disk.flush();
        default:
            return m_disk.flush() && write();
    }
}

void vbd::complete(job& work) {
    if (work.status == blkif::rsp_okay && !do_disk(work)) {
        work.status = blkif::rsp_error;
    }
    if (work.status == blkif::rsp_okay && work.request.operation == blkif::op_read) {
        copy_out(work);
    }
    work.pages.clear();  // pages are the guest's again before it hears of it
    if (m_request_done.observed()) {
        m_request_done.publish({work.frontend, work.request.operation != blkif::op_read,
                                work.request.operation >= blkif::op_write_barrier, work.request.sector_number,
                                work.sectors, work.submitted, sc_core::sc_time_stamp(), work.status});
    }
    if (work.session == m_session && connected()) {
        respond(work);
    }
}

void vbd::respond(const job& work) {
    m_ring.write(blkif::ring::entry(m_rsp_prod),
                 blkif::encode(blkif::response{work.request.id, work.request.operation, work.status}));
    const auto old = m_rsp_prod++;
    write_index(blkif::ring::rsp_prod, m_rsp_prod);
    // RING_PUSH_RESPONSES_AND_CHECK_NOTIFY: only when this passes the index that the frontend waits for
    const auto event = read_index(blkif::ring::rsp_event);
    if (m_rsp_prod - event < m_rsp_prod - old) {
        m_port->send();
    }
}

}  // namespace vtwin::xen
