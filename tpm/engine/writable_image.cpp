#include "tpm/engine/writable_image.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cstring>
#include <systemc>

namespace vtwin::tpm {

namespace {

// A signal handler has no other way to its object. Written only by constructor and destructor.
writable_image* s_protected_image = nullptr;

struct segment_search {
    std::string_view name;
    std::uintptr_t begin = 0, end = 0;
};

int find_segment(dl_phdr_info* info, std::size_t, void* data) {
    auto& search = *static_cast<segment_search*>(data);
    if (std::string_view(info->dlpi_name).find(search.name) == std::string_view::npos)
        return 0;
    std::uintptr_t relro_end = 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
        if (header.p_type == PT_LOAD && (header.p_flags & PF_W)) {
            search.begin = begin;
            search.end = begin + header.p_memsz;
        }
        if (header.p_type == PT_GNU_RELRO)
            relro_end = begin + header.p_memsz;
    }
    // The dynamic linker has made whole RELRO pages read-only; what follows is the library's own.
    const std::uintptr_t mask = writable_image::page_size - 1;
    if (relro_end > search.begin)
        search.begin = relro_end;
    search.begin &= ~mask;
    search.end = (search.end + mask) & ~mask;
    return 1;
}

}  // namespace

std::size_t writable_image::snapshot::bytes() const {
    std::size_t total = m_pages.size() * sizeof(m_pages[0]);
    for (const auto& page : m_pages)
        if (page)
            total += page_size;
    return total;
}

writable_image::writable_image(std::string_view name) {
    sc_assert(s_protected_image == nullptr && "one library image at a time");
    sc_assert(sysconf(_SC_PAGESIZE) == static_cast<long>(page_size));
    locate(name);
    m_as_loaded.assign(m_base, m_base + m_page_count * page_size);

    s_protected_image = this;
    struct sigaction action {};
    action.sa_sigaction = &writable_image::on_fault;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sc_assert(sigaction(SIGSEGV, &action, &m_previous) == 0);
    for (std::size_t page = 0; page < m_page_count; ++page)
        protect(page, false);
}

writable_image::~writable_image() {
    exchange(nullptr, nullptr);
    for (std::size_t page = 0; page < m_page_count; ++page)
        protect(page, true);
    sigaction(SIGSEGV, &m_previous, nullptr);
    s_protected_image = nullptr;
}

void writable_image::locate(std::string_view name) {
    segment_search search{name};
    dl_iterate_phdr(&find_segment, &search);
    sc_assert(search.end > search.begin && "library with a writable segment is loaded");
    m_base = reinterpret_cast<std::byte*>(search.begin);
    m_page_count = (search.end - search.begin) / page_size;
    sc_assert(m_page_count <= max_pages);
}

void writable_image::protect(std::size_t page, bool writable) {
    const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    sc_assert(mprotect(m_base + page * page_size, page_size, protection) == 0);
}

bool writable_image::admit_write(const std::byte* address) {
    if (address < m_base || address >= m_base + m_page_count * page_size)
        return false;
    const auto page = static_cast<std::size_t>(address - m_base) / page_size;
    if (m_is_written[page])
        return false;  // writable already: this fault is somebody's error
    m_is_written[page] = true;
    m_written[m_written_count++] = static_cast<std::uint16_t>(page);
    return mprotect(m_base + page * page_size, page_size, PROT_READ | PROT_WRITE) == 0;
}

void writable_image::on_fault(int signal, siginfo_t* info, void* context) {
    writable_image* image = s_protected_image;
    if (image != nullptr && image->admit_write(static_cast<const std::byte*>(info->si_addr)))
        return;
    const struct sigaction previous = image != nullptr ? image->m_previous : (struct sigaction){};
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal);
    } else {
        // Give the fault back to the system: the instruction runs again and dies as it would have without us.
        struct sigaction fatal {};
        fatal.sa_handler = SIG_DFL;
        sigaction(signal, &fatal, nullptr);
    }
}

void writable_image::exchange(snapshot* outgoing, const snapshot* incoming) {
    if (outgoing != nullptr)
        outgoing->m_pages.resize(m_page_count);
    for (std::size_t i = 0; i < m_written_count; ++i) {
        const std::size_t index = m_written[i];
        std::byte* live = m_base + index * page_size;
        const std::byte* loaded = m_as_loaded.data() + index * page_size;

        bool live_as_loaded = false;
        if (outgoing != nullptr) {
            auto& kept = outgoing->m_pages[index];
            live_as_loaded = !kept && std::memcmp(live, loaded, page_size) == 0;
            if (!kept && !live_as_loaded) {
                kept = std::make_unique<snapshot::page>();
                ++m_holders[index];
            }
            if (kept)
                std::memcpy(kept->data(), live, page_size);
        }
        const auto* wanted = incoming != nullptr && index < incoming->m_pages.size()
                                 ? incoming->m_pages[index].get()
                                 : nullptr;
        if (wanted != nullptr)
            std::memcpy(live, wanted->data(), page_size);
        else if (!live_as_loaded)
            std::memcpy(live, loaded, page_size);
    }
}

void writable_image::retire_unchanged_pages() {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < m_written_count; ++i) {
        const std::uint16_t index = m_written[i];
        const std::size_t offset = index * page_size;
        const bool unchanged = std::memcmp(m_base + offset, m_as_loaded.data() + offset, page_size) == 0;
        if (unchanged && m_holders[index] == 0) {
            protect(index, false);
            m_is_written[index] = false;
        } else {
            m_written[kept++] = index;
        }
    }
    m_written_count = kept;
}

void writable_image::drop(snapshot& image) {
    for (std::size_t page = 0; page < image.m_pages.size(); ++page)
        if (image.m_pages[page])
            --m_holders[page];
    image.m_pages.clear();
}

}  // namespace vtwin::tpm
