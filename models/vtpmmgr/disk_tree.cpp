#include "models/vtpmmgr/disk_tree.h"

#include <algorithm>
#include <systemc>

namespace vtwin::models::manager {

void vtpm_group::set_keys(const group_keys& value) {
    keys = value;
    m_group_cipher.emplace(value.group_key);
    m_rollback_cipher.emplace(value.rollback_mac_key);
}

const sector_cipher& vtpm_group::group_cipher() const {
    sc_assert(m_group_cipher.has_value());
    return *m_group_cipher;
}

aes_block vtpm_group::rollback_mac(byte_view root_core) const {
    sc_assert(m_rollback_cipher.has_value());
    return m_rollback_cipher->cmac(root_core);
}

std::shared_ptr<vtpm_record> vtpm_group::find(const octets<16>& wanted) const {
    for (const vtpm_page& page : pages)
        for (const auto& record : page.records)
            if (record->uuid == wanted)
                return record;
    return nullptr;
}

vtpm_page* vtpm_group::page_of(const vtpm_record& record) {
    const std::size_t page = record.index / vtpms_per_page;
    return page < pages.size() ? &pages[page] : nullptr;
}

bool vtpm_group::can_append() const {
    const std::size_t in_last = nr_vtpms % vtpms_per_page;
    return in_last == 0 ||
           (pages.size() == nr_vtpms / vtpms_per_page + 1 && pages.back().records.size() == in_last);
}

void vtpm_group::append(std::shared_ptr<vtpm_record> record) {
    sc_assert(can_append());
    if (nr_vtpms % vtpms_per_page == 0)
        pages.emplace_back();
    record->index = nr_vtpms++;
    pages.back().location = 0;
    pages.back().records.push_back(std::move(record));
}

bool vtpm_group::remove(const std::shared_ptr<vtpm_record>& record) {
    vtpm_page* page = page_of(*record);
    if (page == nullptr || pages.empty() || pages.back().records.empty())
        return false;
    const std::size_t place = record->index % vtpms_per_page;
    if (place >= page->records.size() || page->records[place] != record)
        return false;
    auto last = pages.back().records.back();
    if (last->index + 1 != nr_vtpms)
        return false;
    pages.back().records.pop_back();
    pages.back().location = 0;
    if (last != record) {
        last->index = record->index;
        page->records[place] = last;
        page->location = 0;
    }
    if (pages.back().records.empty())
        pages.pop_back();
    --nr_vtpms;
    return true;
}

}  // namespace vtwin::models::manager
