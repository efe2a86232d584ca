//! The release binaries: static, stripped, small, and alive on both processors.
//!
//! `scripts/check` names them: `HERDSMAN_BIN` (x86_64) and `HERDSMAN_BIN_AARCH64`. Without, these tests say so and pass.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program: to panic is how it reports")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The most bytes a release binary may have.
const MOST_BYTES: u64 = 12 * 1024 * 1024;

const EM_X86_64: u16 = 62;
const EM_AARCH64: u16 = 183;

const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;
const SHT_SYMTAB: u32 = 2;

#[test]
fn the_x86_64_binary_needs_no_loader_and_no_library_and_is_stripped_and_small() {
    let Some(binary) = binary_of("HERDSMAN_BIN") else { return };
    is_a_release(&binary, if cfg!(target_arch = "aarch64") { EM_AARCH64 } else { EM_X86_64 });
}

#[test]
fn the_aarch64_binary_needs_no_loader_and_no_library_and_is_stripped_and_small() {
    let Some(binary) = binary_of("HERDSMAN_BIN_AARCH64") else { return };
    is_a_release(&binary, EM_AARCH64);
}

#[test]
fn the_binary_tells_its_version() {
    let Some(binary) = binary_of("HERDSMAN_BIN") else { return };
    tells_its_version(|| Command::new(&binary));
}

#[test]
fn the_aarch64_binary_tells_its_version_and_checks_a_configuration() {
    let Some(binary) = binary_of("HERDSMAN_BIN_AARCH64") else { return };
    let emulated = || {
        let mut command = Command::new("qemu-aarch64-static");
        command.arg(&binary);
        command
    };
    tells_its_version(emulated);

    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("herdsman.toml");
    std::fs::write(&config, "[app]\nrun = \"node index.js\"\nport = 3000\n").unwrap();
    let fine = output(emulated().arg("check").arg(&config));
    assert!(fine.status.success(), "check refuses a good configuration: {}", text(&fine));
    std::fs::write(&config, "[app]\nrnu = \"node index.js\"\n").unwrap();
    let wrong = output(emulated().arg("check").arg(&config));
    assert!(
        !wrong.status.success() && text(&wrong).contains("rnu"),
        "check does not name the unknown key: {}",
        text(&wrong)
    );
}

fn tells_its_version(program: impl Fn() -> Command) {
    for word in ["version", "--version"] {
        let told = output(program().arg(word));
        assert!(told.status.success(), "`{word}` failed: {}", text(&told));
        assert!(text(&told).contains(env!("CARGO_PKG_VERSION")), "`{word}` tells another version: {}", text(&told));
    }
}

/// What the variable names; none, and a word about it, where it is not set.
fn binary_of(variable: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).map(PathBuf::from);
    if named.is_none() {
        eprintln!(
            "SKIPPED: {variable} is not set, so no release binary was looked at (scripts/check builds and sets it)"
        );
    }
    named
}

fn output(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} did not start: {error}"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn is_a_release(binary: &Path, machine: u16) {
    let bytes = std::fs::read(binary).unwrap_or_else(|error| panic!("{}: {error}", binary.display()));
    let elf = Elf::of(&bytes).unwrap_or_else(|| panic!("{} is no 64-bit little-endian ELF file", binary.display()));
    assert_eq!(elf.machine, machine, "{} is for another processor", binary.display());
    assert!(!elf.has_interpreter, "{} needs a dynamic loader", binary.display());
    assert_eq!(elf.needed, 0, "{} needs shared libraries", binary.display());
    assert!(!elf.has_symbols, "{} is not stripped", binary.display());
    let size = bytes.len() as u64;
    assert!(size <= MOST_BYTES, "{} has {size} bytes, {MOST_BYTES} are the most", binary.display());
}

/// As much of an ELF file as is asked about here.
struct Elf {
    machine: u16,
    has_interpreter: bool,
    needed: usize,
    has_symbols: bool,
}

impl Elf {
    /// None where the bytes are no such file or end too early.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        let mut elf = Self { machine: u16_at(bytes, 18)?, has_interpreter: false, needed: 0, has_symbols: false };
        let (headers, size, count) = (offset_at(bytes, 32)?, u16_at(bytes, 54)?, u16_at(bytes, 56)?);
        for n in 0..count {
            let header = bytes.get(headers + usize::from(n) * usize::from(size)..)?;
            match u32_at(header, 0)? {
                PT_INTERP => elf.has_interpreter = true,
                PT_DYNAMIC => {
                    let table = bytes.get(offset_at(header, 8)?..)?.get(..offset_at(header, 32)?)?;
                    elf.needed += table.chunks_exact(16).filter(|entry| u64_at(entry, 0) == Some(DT_NEEDED)).count();
                }
                _ => {}
            }
        }
        let (sections, size, count) = (offset_at(bytes, 40)?, u16_at(bytes, 58)?, u16_at(bytes, 60)?);
        for n in 0..count {
            let section = bytes.get(sections + usize::from(n) * usize::from(size)..)?;
            elf.has_symbols |= u32_at(section, 4)? == SHT_SYMTAB;
        }
        Some(elf)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn offset_at(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64_at(bytes, at)?).ok()
}

#[test]
fn a_dynamic_unstripped_program_would_be_noticed() {
    // This very test program: it has a loader, libraries and symbols.
    let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let elf = Elf::of(&bytes).unwrap();
    assert!(elf.has_interpreter && elf.needed > 0 && elf.has_symbols);
    assert!(Elf::of(&bytes[..40]).is_none(), "a file cut short is no ELF file");
}
