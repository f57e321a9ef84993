// The writable data of a shared library, exchangeable: many "processes" of one library inside one process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include <csignal>

namespace vtwin::tpm {

/// The pages of a library's .data and .bss. Only pages that were written at least once take part in an
/// exchange; the others are write-protected and join at their first write fault. Heap objects of an instance
/// stay referenced from that instance's own copy of the pages.
class writable_image {
  public:
    static constexpr std::size_t page_size = 4096;
    static constexpr std::size_t max_pages = 256;

    /// What one instance has changed against the library as it was loaded: whole pages, absent where
    /// unchanged.
    class snapshot {
      public:
        std::size_t bytes() const;  ///< memory held, for statistics

      private:
        friend class writable_image;
        using page = std::array<std::byte, page_size>;
        std::vector<std::unique_ptr<page>> m_pages;
    };

    /// Takes over the first loaded library whose path contains `name`; it must not have run yet.
    explicit writable_image(std::string_view name);
    /// Leaves the library as it was loaded, unprotected, and the fault handler as it was found.
    ~writable_image();
    writable_image(const writable_image&) = delete;
    writable_image& operator=(const writable_image&) = delete;

    /// Saves the live pages into `outgoing` (null: they are discarded) and makes `incoming` live (null: as
    /// loaded).
    void exchange(snapshot* outgoing, const snapshot* incoming);

    /// Write-protects again, and leaves out of exchanges, pages that are as loaded and that no snapshot
    /// holds: a library that wipes its memory at start touches many more pages than it uses.
    void retire_unchanged_pages();
    /// Drops what a snapshot holds. A snapshot that took part in an exchange is dropped before its
    /// destruction.
    void drop(snapshot& image);

    std::size_t page_count() const { return m_page_count; }
    std::size_t written_page_count() const { return m_written_count; }

  private:
    static void on_fault(int signal, siginfo_t* info, void* context);
    bool admit_write(const std::byte* address);
    void locate(std::string_view name);
    void protect(std::size_t page, bool writable);

    std::byte* m_base = nullptr;
    std::size_t m_page_count = 0;
    std::vector<std::byte> m_as_loaded;
    // Filled by the fault handler: fixed storage, no allocation.
    std::array<bool, max_pages> m_is_written{};
    std::array<std::uint16_t, max_pages> m_written{};
    std::size_t m_written_count = 0;
    std::array<std::uint32_t, max_pages> m_holders{};  ///< snapshots that hold the page
    struct sigaction m_previous {};
};

}  // namespace vtwin::tpm
