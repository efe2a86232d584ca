//! The table against the kernel's rules, the program against a small interpreter.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

const ADDRESS: Address = Address { ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), only_v6: false };

fn seat(slot: u16) -> Seat {
    Seat { slot: Slot(slot), number: 1 }
}

/// Runs `program` on a connection from `source`, with this random number.
fn run(program: &[Instruction], source: IpAddr, random: u32) -> u32 {
    use operation::*;
    let packet = match source {
        IpAddr::V4(ip) => {
            let mut header = vec![0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 6, 0, 0];
            header.extend(ip.octets());
            header.extend([127, 0, 0, 1]);
            header
        }
        IpAddr::V6(ip) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 40, 6, 64];
            header.extend(ip.octets());
            header.extend(Ipv6Addr::LOCALHOST.octets());
            header
        }
    };
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
    loop {
        let Instruction { code, jt, jf, k } = program[at];
        let offset = k.wrapping_sub(NETWORK) as usize;
        at += 1;
        match code {
            LOAD_WORD if k == RANDOM => a = random,
            LOAD_WORD => a = u32::from_be_bytes(packet[offset..offset + 4].try_into().unwrap()),
            LOAD_BYTE => a = packet[offset].into(),
            AND => a &= k,
            ADD => a += k,
            MODULO => a %= k,
            KEEP => x = a,
            RECALL => a = x,
            JUMP_EQUAL => at += usize::from(if a == k { jt } else { jf }),
            JUMP_AT_LEAST => at += usize::from(if a >= k { jt } else { jf }),
            RETURN => return a,
            other => panic!("operation {other:#x}"),
        }
    }
}

#[derive(Debug, Clone)]
enum Change {
    Listen(u16),
    Close(u16),
    Serve(u16, bool),
}

fn change() -> impl Strategy<Value = Change> {
    let slot = 0..MOST_MEMBERS as u16;
    prop_oneof![
        4 => slot.clone().prop_map(Change::Listen),
        2 => slot.clone().prop_map(Change::Close),
        4 => (slot, any::<bool>()).prop_map(|(slot, serving)| Change::Serve(slot, serving)),
    ]
}

proptest! {
    #[test]
    fn whatever_happened_the_program_names_the_right_members(
        changes in proptest::collection::vec(change(), 0..600),
        randoms in proptest::collection::vec(any::<u32>(), 8),
        outside in any::<[u8; 4]>(),
    ) {
        let mut steering = Steering::default();
        // The kernel's array, written down as `sock_reuseport.c` does it.
        let mut kernel: Vec<u16> = Vec::new();
        let mut serving = [false; MOST_MEMBERS];
        for change in changes {
            match change {
                Change::Listen(slot) => {
                    let news = steering.listening(ADDRESS, seat(slot));
                    prop_assert_eq!(news, !kernel.contains(&slot));
                    if news {
                        kernel.push(slot);
                    }
                }
                Change::Close(slot) => {
                    let at = kernel.iter().position(|member| *member == slot);
                    prop_assert_eq!(steering.closed(ADDRESS, seat(slot)), at.is_some());
                    if let Some(at) = at {
                        let last = kernel[kernel.len() - 1];
                        kernel[at] = last;
                        kernel.pop();
                    }
                }
                Change::Serve(slot, on) => {
                    steering.set_serving(seat(slot), on);
                    serving[usize::from(slot)] = on;
                }
            }
        }
        let program = steering.program(ADDRESS);
        prop_assert_eq!(program.is_empty(), kernel.is_empty());
        prop_assume!(!kernel.is_empty());
        prop_assert!(program.len() <= 4096);

        for (index, slot) in kernel.iter().enumerate() {
            let index = index as u16;
            prop_assert_eq!(steering.index(ADDRESS, seat(*slot)), Some(index));
            prop_assert_eq!(run(&program, probe_source(index).into(), 7), u32::from(index));
        }
        let anyone = !kernel.iter().any(|slot| serving[usize::from(*slot)]);
        let outside = Ipv4Addr::from(outside);
        prop_assume!(!outside.octets().starts_with(&[127, 1]));
        for source in [IpAddr::V4(outside), IpAddr::V6(Ipv6Addr::LOCALHOST), IpAddr::V6(outside.to_ipv6_mapped())] {
            for random in &randoms {
                let slot = kernel[run(&program, source, *random) as usize];
                prop_assert!(anyone || serving[usize::from(slot)]);
            }
        }
    }
}

#[test]
fn each_serving_member_is_as_likely_as_the_other() {
    let mut steering = Steering::default();
    for slot in 0..8 {
        steering.listening(ADDRESS, seat(slot));
        steering.set_serving(seat(slot), ![0, 3, 4].contains(&slot));
    }
    let program = steering.program(ADDRESS);
    let mut hits = [0; 8];
    for random in 0..500 {
        hits[run(&program, Ipv4Addr::new(10, 0, 0, 9).into(), random) as usize] += 1;
    }
    assert_eq!(hits, [0, 100, 100, 0, 0, 100, 100, 100]);
}

#[test]
fn the_longest_program_has_every_other_of_256_members_left_out() {
    let mut steering = Steering::default();
    for slot in 0..256 {
        steering.listening(ADDRESS, seat(slot));
        steering.set_serving(seat(slot), slot % 2 == 1);
    }
    let program = steering.program(ADDRESS);
    assert!(program.len() < 400, "{} instructions", program.len());
    assert_eq!(run(&program, Ipv4Addr::new(10, 0, 0, 9).into(), 127), 255);
    assert_eq!(probe_source(255), Ipv4Addr::new(127, 1, 0, 255));
}

#[test]
fn an_address_is_a_group_of_its_own() {
    let other = Address { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), only_v6: false };
    let mut steering = Steering::default();
    steering.listening(ADDRESS, seat(0));
    steering.listening(other, seat(1));
    assert_eq!((steering.index(ADDRESS, seat(0)), steering.index(other, seat(1))), (Some(0), Some(0)));
    assert_eq!(steering.index(other, seat(0)), None);
    assert!(other.fits_loopback() > ADDRESS.fits_loopback());
    assert_eq!(Address { only_v6: true, ..ADDRESS }.fits_loopback(), None);
}
