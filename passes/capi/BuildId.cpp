//===- BuildId.cpp - Which build of the library this is -------------------===//

#include "capi/pyflex.h"

#include <cstring>
#include <link.h>
#include <string>

namespace {

/// Appends `bytes` in hexadecimal.
void appendHex(std::string &text, const unsigned char *bytes, size_t size) {
  const char *digits = "0123456789abcdef";
  for (size_t index = 0; index < size; ++index) {
    text += digits[bytes[index] >> 4];
    text += digits[bytes[index] & 15];
  }
}

size_t padded(size_t size) { return (size + 3) & ~size_t(3); }

/// Appends the linker's build id from a segment of ELF notes.
void readNotes(std::string &id, const char *notes, size_t size) {
  for (const char *end = notes + size; notes + sizeof(ElfW(Nhdr)) <= end;) {
    ElfW(Nhdr) header;
    memcpy(&header, notes, sizeof(header));
    const char *name = notes + sizeof(header);
    const char *bytes = name + padded(header.n_namesz);
    if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
        memcmp(name, "GNU", 4) == 0)
      appendHex(id, reinterpret_cast<const unsigned char *>(bytes),
                header.n_descsz);
    notes = bytes + padded(header.n_descsz);
  }
}

/// Whether one of the segments of an object holds `address`.
bool contains(const dl_phdr_info &object, ElfW(Addr) address) {
  for (int index = 0; index < object.dlpi_phnum; ++index) {
    const ElfW(Phdr) &segment = object.dlpi_phdr[index];
    ElfW(Addr) start = object.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && address >= start &&
        address < start + segment.p_memsz)
      return true;
  }
  return false;
}

int visitObject(dl_phdr_info *object, size_t, void *id) {
  if (!contains(*object, reinterpret_cast<ElfW(Addr)>(&pyflex_build_id)))
    return 0;
  for (int index = 0; index < object->dlpi_phnum; ++index) {
    const ElfW(Phdr) &segment = object->dlpi_phdr[index];
    if (segment.p_type == PT_NOTE)
      readNotes(
          *static_cast<std::string *>(id),
          reinterpret_cast<const char *>(object->dlpi_addr + segment.p_vaddr),
          segment.p_memsz);
  }
  return 1;
}

} // namespace

const char *pyflex_build_id(void) {
  static const std::string id = [] {
    std::string found;
    dl_iterate_phdr(visitObject, &found);
    return found;
  }();
  return id.c_str();
}
