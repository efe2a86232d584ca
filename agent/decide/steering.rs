//! Steering: which workers get new connections, as the kernel has to be told.
//!
//! The kernel keeps the listening sockets of one address in a *group*, in an order of its own; a classic BPF program answers each new
//! connection with a place in that order. The table here mirrors the order and writes the program. It knows no socket.
//!
//! The kernel's rules (`net/core/sock_reuseport.c`): `listen` puts a socket at the end; when one closes, the last takes its place.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::ids::Slot;

/// The most members of a group: the workers' own limit.
pub const MOST_MEMBERS: usize = 256;

/// One worker's membership of the port. A replacement after a crash keeps the seat, and with it the waiting connections;
/// a new worker that is to stand beside the old one until it is ready takes a new seat of the same slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seat {
    /// The worker's slot.
    pub slot: Slot,
    /// Tells the seats of one slot apart.
    pub number: u32,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.number)
    }
}

/// What sockets must have in common to be in one group, the port apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The address listened on.
    pub ip: IpAddr,
    /// Whether an IPv6 socket takes IPv6 connections alone.
    pub only_v6: bool,
}

impl Address {
    /// How well this address fits a connection to `127.0.0.1`, in the kernel's order of preference; `None`: not at all.
    pub fn fits_loopback(&self) -> Option<u8> {
        match self.ip {
            IpAddr::V4(ip) if ip == Ipv4Addr::LOCALHOST => Some(2),
            IpAddr::V4(ip) if ip.is_unspecified() => Some(1),
            IpAddr::V6(ip) if ip.is_unspecified() && !self.only_v6 => Some(0),
            _ => None,
        }
    }
}

/// The groups of one port, and who of them serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steering {
    groups: BTreeMap<Address, Vec<Seat>>,
    serving: BTreeSet<Seat>,
}

impl Steering {
    /// A socket of `seat` now listens on `address`. Says whether that is news.
    pub fn listening(&mut self, address: Address, seat: Seat) -> bool {
        let group = self.groups.entry(address).or_default();
        let news = !group.contains(&seat);
        if news {
            group.push(seat);
        }
        news
    }

    /// The socket of `seat` on `address` no longer listens. Says whether it did.
    pub fn closed(&mut self, address: Address, seat: Seat) -> bool {
        let Some(group) = self.groups.get_mut(&address) else {
            return false;
        };
        let Some(index) = group.iter().position(|member| *member == seat) else {
            return false;
        };
        group.swap_remove(index);
        if group.is_empty() {
            self.groups.remove(&address);
        }
        true
    }

    /// Whether `seat` is to get new connections, of whatever address.
    pub fn set_serving(&mut self, seat: Seat, serving: bool) {
        if serving {
            self.serving.insert(seat);
        } else {
            self.serving.remove(&seat);
        }
    }

    /// Whether `seat` is to get new connections.
    pub fn is_serving(&self, seat: Seat) -> bool {
        self.serving.contains(&seat)
    }

    /// The addresses listened on.
    pub fn addresses(&self) -> impl Iterator<Item = Address> {
        self.groups.keys().copied()
    }

    /// The members of a group, in the kernel's order.
    pub fn members(&self, address: Address) -> &[Seat] {
        self.groups.get(&address).map_or(&[], Vec::as_slice)
    }

    /// The kernel's index of `seat` in the group of `address`.
    pub fn index(&self, address: Address, seat: Seat) -> Option<u16> {
        let index = self.members(address).iter().position(|member| *member == seat)?;
        u16::try_from(index).ok()
    }

    /// The program for the group of `address`; empty when nobody listens there.
    ///
    /// - From [`probe_source`] of an index, over IPv4: to that index.
    /// - Else: to a member that serves, each as likely as the other; when nobody serves, to any member.
    pub fn program(&self, address: Address) -> Vec<Instruction> {
        let members = self.members(address);
        if members.is_empty() {
            return Vec::new();
        }
        let serves = |index: &usize| self.serving.contains(&members[*index]);
        let mut chosen: Vec<usize> = (0..members.len()).filter(serves).collect();
        if chosen.is_empty() {
            chosen = (0..members.len()).collect();
        }
        let mut program = probes();
        program.extend(spread(&chosen));
        program
    }
}

/// The source address of a probe for the member with this index: 127.1.0.0 and the index.
pub fn probe_source(index: u16) -> Ipv4Addr {
    let [high, low] = index.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

/// One instruction of classic BPF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// Instructions to skip when a comparison holds.
    pub jt: u8,
    /// Instructions to skip when it does not.
    pub jf: u8,
    /// The operand.
    pub k: u32,
}

/// The operations used, by the names of `linux/bpf_common.h`.
pub mod operation {
    /// A = the word at k.
    pub const LOAD_WORD: u16 = 0x20;
    /// A = the byte at k.
    pub const LOAD_BYTE: u16 = 0x30;
    /// A = A and k.
    pub const AND: u16 = 0x54;
    /// A = A + k.
    pub const ADD: u16 = 0x04;
    /// A = A modulo k.
    pub const MODULO: u16 = 0x94;
    /// Compare A with k: equal.
    pub const JUMP_EQUAL: u16 = 0x15;
    /// Compare A with k: greater or equal.
    pub const JUMP_AT_LEAST: u16 = 0x35;
    /// X = A.
    pub const KEEP: u16 = 0x07;
    /// A = X.
    pub const RECALL: u16 = 0x87;
    /// The answer is A.
    pub const RETURN: u16 = 0x16;
}

/// Where a packet's IP header begins (`SKF_NET_OFF`).
pub const NETWORK: u32 = 0xfff0_0000;
/// Where a random number is read (`SKF_AD_OFF + SKF_AD_RANDOM`).
pub const RANDOM: u32 = 0xffff_f000 + 56;

const fn plain(code: u16, k: u32) -> Instruction {
    Instruction { code, jt: 0, jf: 0, k }
}

/// IPv4 from 127.1.x.y: the answer is x.y. A place that is not there makes the kernel choose by itself.
fn probes() -> Vec<Instruction> {
    use operation::*;
    vec![
        plain(LOAD_BYTE, NETWORK),
        plain(AND, 0xf0),
        Instruction { code: JUMP_EQUAL, jt: 0, jf: 7, k: 0x40 },
        plain(LOAD_WORD, NETWORK + 12),
        plain(KEEP, 0),
        plain(AND, 0xffff_0000),
        Instruction { code: JUMP_EQUAL, jt: 0, jf: 3, k: 0x7f01_0000 },
        plain(RECALL, 0),
        plain(AND, 0xffff),
        plain(RETURN, 0),
    ]
}

/// A random place of `chosen`, which rises and is not empty. Works by runs of neighbours, so no jump is ever far.
fn spread(chosen: &[usize]) -> Vec<Instruction> {
    use operation::*;
    let mut program = vec![plain(LOAD_WORD, RANDOM), plain(MODULO, chosen.len() as u32)];
    let runs: Vec<(usize, &[usize])> = {
        let mut before = 0;
        chosen
            .chunk_by(|one, next| one + 1 == *next)
            .map(|run| {
                before += run.len();
                (before, run)
            })
            .collect()
    };
    for (place, (end, run)) in runs.iter().enumerate() {
        // In front of each run stand as many chosen ones as its begin minus what is left out.
        let left_out = run[0] - (end - run.len());
        if place + 1 < runs.len() {
            program.push(Instruction { code: JUMP_AT_LEAST, jt: 2, jf: 0, k: *end as u32 });
        }
        program.push(plain(ADD, left_out as u32));
        program.push(plain(RETURN, 0));
    }
    program
}

#[cfg(test)]
mod tests;
