//! The seccomp program of a watched worker: `bind` and `listen` ask the agent, everything else goes its way.
//! It is no fence: a call that cannot be recognised (another ABI) is simply let through.

use crate::sys::Filter;

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// `SECCOMP_RET_ALLOW` and `SECCOMP_RET_USER_NOTIF` of `linux/seccomp.h`.
const ALLOW: u32 = 0x7fff_0000;
const ASK: u32 = 0x7fc0_0000;

/// Offsets in `struct seccomp_data`.
const CALL: u32 = 0;
const ARCHITECTURE: u32 = 4;

/// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of `linux/audit.h`.
const NATIVE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// The program. Numbers of the x32 ABI carry a bit of their own and so match nothing here.
pub fn program() -> Vec<Filter> {
    let plain = |code, k| Filter { code, jt: 0, jf: 0, k };
    vec![
        plain(LOAD, ARCHITECTURE),
        Filter { code: JUMP_EQUAL, jt: 0, jf: 3, k: NATIVE },
        plain(LOAD, CALL),
        Filter { code: JUMP_EQUAL, jt: 2, jf: 0, k: libc::SYS_bind as u32 },
        Filter { code: JUMP_EQUAL, jt: 1, jf: 0, k: libc::SYS_listen as u32 },
        plain(RETURN, ALLOW),
        plain(RETURN, ASK),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The answer to call `number` of `architecture`.
    fn run(architecture: u32, number: u32) -> u32 {
        let (mut a, mut at) = (0, 0);
        loop {
            let Filter { code, jt, jf, k } = program()[at];
            at += 1;
            match code {
                LOAD => a = if k == CALL { number } else { architecture },
                JUMP_EQUAL => at += usize::from(if a == k { jt } else { jf }),
                _ => return k,
            }
        }
    }

    #[test]
    fn bind_and_listen_ask_and_nothing_else_does() {
        let asking: Vec<u32> = (0..1000).filter(|number| run(NATIVE, *number) == ASK).collect();
        let mut expected = vec![libc::SYS_bind as u32, libc::SYS_listen as u32];
        expected.sort_unstable();
        assert_eq!(asking, expected);
    }

    #[test]
    fn calls_of_another_abi_are_let_through() {
        let i386 = 0x4000_0003;
        assert!((0..1000).all(|number| run(i386, number) == ALLOW));
        assert_eq!(run(NATIVE, 0x4000_0000 | libc::SYS_bind as u32), ALLOW);
    }
}
