//! Is this machine an EC2 instance? Read off the firmware, so that a machine that is none never waits for a time-out.
//!
//! Nitro instances say `Amazon EC2` in their DMI; those on Xen have a UUID that begins with `ec2`.
//! Source: EC2 user guide, "Determine whether a computer is an EC2 instance". Must not ask the network.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// DMI names as Linux shows them, those first that say it outright.
const VENDORS: [&str; 3] =
    ["sys/class/dmi/id/sys_vendor", "sys/class/dmi/id/board_vendor", "sys/class/dmi/id/bios_vendor"];

/// `product_uuid` is for root alone; Xen's is for everybody.
const UUIDS: [&str; 2] = ["sys/hypervisor/uuid", "sys/class/dmi/id/product_uuid"];

/// Whether the firmware says that this is an Amazon EC2 instance. `root` is `/` but in tests.
///
/// What cannot be read says nothing: no file, no permission and no such machine are all "no".
pub fn is_ec2(root: &Path) -> bool {
    let says = |file: &str, what: fn(&str) -> bool| read_start(&root.join(file)).is_some_and(|text| what(text.trim()));
    VENDORS.iter().any(|file| says(file, |vendor| vendor.eq_ignore_ascii_case("Amazon EC2")))
        || UUIDS.iter().any(|file| says(file, is_ec2_uuid))
}

/// SMBIOS 2.4 stores the first fields little-endian, so that `ec2…` may also show as `xxxx2xec-…`.
fn is_ec2_uuid(uuid: &str) -> bool {
    let uuid = uuid.to_ascii_lowercase();
    uuid.starts_with("ec2") || (uuid.get(4..5) == Some("2") && uuid.get(6..9) == Some("ec-"))
}

/// The first bytes of a small file; these hold one short line.
fn read_start(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(256).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn amazons_firmware_makes_an_ec2_instance() {
        for (file, text) in [
            ("sys/class/dmi/id/sys_vendor", "Amazon EC2\n"),
            ("sys/class/dmi/id/board_vendor", "Amazon EC2\n"),
            ("sys/class/dmi/id/bios_vendor", "Amazon EC2\n"),
            ("sys/class/dmi/id/product_uuid", "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n"),
            ("sys/class/dmi/id/product_uuid", "45E12AEC-DCD1-B213-94ED-012345ABCDEF\n"),
            ("sys/hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n"),
        ] {
            assert!(is_ec2(machine(&[(file, text)]).path()), "{file}: {text}");
        }
    }

    #[test]
    fn another_machine_or_none_at_all_is_not_an_ec2_instance() {
        assert!(!is_ec2(machine(&[]).path()));
        assert!(!is_ec2(
            machine(&[
                ("sys/class/dmi/id/sys_vendor", "QEMU\n"),
                ("sys/class/dmi/id/product_uuid", "0ec2e191-9099-7caf-fd21-012345abcdef\n"),
                ("sys/hypervisor/uuid", ""),
            ])
            .path()
        ));
    }
}
