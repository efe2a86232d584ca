//! Hands a steering program to the kernel.

use std::io;
use std::os::fd::BorrowedFd;

use crate::decide::steering::Instruction;
use crate::sys::{Filter, attach_reuseport_program};

/// Replaces the program of the whole group that `socket` listens in. Connections made already stay where they are.
///
/// # Errors
/// What the kernel says.
pub fn attach(socket: BorrowedFd<'_>, program: &[Instruction]) -> io::Result<()> {
    let program: Vec<Filter> =
        program.iter().map(|&Instruction { code, jt, jf, k }| Filter { code, jt, jf, k }).collect();
    attach_reuseport_program(socket, &program)
}
