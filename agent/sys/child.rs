//! What a child does between fork and exec. Allocates nothing there.

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;

use super::seccomp::install;
use super::{Filter, check, report};

/// What a child does between fork and exec, in this order; each names the step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Entering its cgroup.
    Cgroup,
    /// Leading a process group of its own.
    Group,
    /// Becoming another user.
    User,
    /// Entering its working directory.
    Directory,
    /// Giving up the right to gain privileges.
    NoNewPrivileges,
    /// Installing the seccomp filter.
    Gate,
    /// Sending the notification descriptor to the agent.
    SendGate,
    /// Placing the handed socket at descriptor 3.
    Handed,
    /// Executing the program.
    Exec,
}

impl Step {
    /// By their numbers.
    pub(super) const ALL: [Self; 9] = [
        Self::Cgroup,
        Self::Group,
        Self::User,
        Self::Directory,
        Self::NoNewPrivileges,
        Self::Gate,
        Self::SendGate,
        Self::Handed,
        Self::Exec,
    ];
}

/// Everything that a child needs after fork, made ready before it: nothing is allocated in the child.
#[derive(Debug)]
pub struct ExecPlan {
    /// Full paths of the program, tried in this order.
    pub candidates: Vec<CString>,
    /// The arguments, the program's name first.
    pub argv: Vec<CString>,
    /// The whole environment, `NAME=value`.
    pub env: Vec<CString>,
    /// Whether everybody else goes first (`nice` 10).
    pub yields: bool,
    /// The working directory, entered with the rights of `ids`.
    pub cwd: CString,
    /// User, group and supplementary groups to become.
    pub ids: Option<(libc::uid_t, libc::gid_t, Vec<libc::gid_t>)>,
    /// An open `cgroup.procs` to join.
    pub cgroup: Option<OwnedFd>,
    /// A seccomp program whose notifications the agent answers.
    pub gate: Option<Vec<Filter>>,
    /// A listening socket for descriptor 3, with `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`.
    pub handed: Option<OwnedFd>,
    /// The child's end of a `SOCK_SEQPACKET` pair.
    pub report: OwnedFd,
}

struct Prepared {
    plan: ExecPlan,
    argv: Vec<*const libc::c_char>,
    env: Vec<*const libc::c_char>,
    listen_pid: Box<[u8; 32]>,
}

// SAFETY: the pointers point into `plan` and `listen_pid`, which the same value owns and which are written in the forked child only.
unsafe impl Send for Prepared {}
// SAFETY: as above; nothing is reached through a shared reference.
unsafe impl Sync for Prepared {}

/// Makes `command` carry out `plan` in the child; the program is executed by the plan, not by `command`, whose own is never reached.
pub fn exec_in_child(command: &mut tokio::process::Command, plan: ExecPlan) {
    let mut listen_pid = Box::new([0_u8; 32]);
    let mut env: Vec<_> = plan.env.iter().map(|text| text.as_ptr()).collect();
    if plan.handed.is_some() {
        listen_pid[..11].copy_from_slice(b"LISTEN_PID=");
        env.extend([c"LISTEN_FDS=1".as_ptr(), c"LISTEN_FDNAMES=http".as_ptr(), listen_pid.as_ptr().cast()]);
    }
    env.push(ptr::null());
    let mut argv: Vec<_> = plan.argv.iter().map(|text| text.as_ptr()).collect();
    argv.push(ptr::null());
    let mut prepared = Prepared { plan, argv, env, listen_pid };
    // SAFETY: `run` and `send` make system calls only: no allocation, no lock, nothing of the parent's other threads.
    unsafe {
        command.pre_exec(move || {
            let (step, errno) = prepared.run();
            report::send_failure(prepared.plan.report.as_raw_fd(), step, errno);
            if step == Step::Exec && prepared.plan.handed.is_some() {
                // Descriptor 3 may have been the pipe over which the standard library would report.
                libc::_exit(127);
            }
            Err(io::Error::from_raw_os_error(errno as i32))
        });
    }
}

impl Prepared {
    /// Returns only what failed.
    fn run(&mut self) -> (Step, Errno) {
        match self.enter() {
            Err(failed) => failed,
            Ok(()) => (Step::Exec, self.exec()),
        }
    }

    fn enter(&mut self) -> Result<(), (Step, Errno)> {
        let at = |step| move |errno| (step, errno);
        // SAFETY: system calls on values that this process owns; every pointer is to live memory of the stated length.
        unsafe {
            if let Some(procs) = &self.plan.cgroup {
                check(libc::write(procs.as_raw_fd(), c"0".as_ptr().cast(), 1) as _).map_err(at(Step::Cgroup))?;
            }
            check(libc::setpgid(0, 0).into()).map_err(at(Step::Group))?;
            // The call itself: the library keeps two signals to itself. Zeros mean the default; KILL and STOP refuse, as they may.
            let default = [0_u64; 4];
            for signal in 1..=64 {
                libc::syscall(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null::<u64>(), size_of::<u64>());
            }
            let none: libc::sigset_t = mem::zeroed();
            libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
            libc::umask(0o022);
            if self.plan.yields {
                // Asking for less is always granted.
                libc::setpriority(libc::PRIO_PROCESS, 0, 10);
            }
            if let Some((uid, gid, groups)) = &self.plan.ids {
                // The calls themselves: the library's versions first speak to the other threads, of which a forked child has none.
                check(libc::syscall(libc::SYS_setgroups, groups.len(), groups.as_ptr())).map_err(at(Step::User))?;
                check(libc::syscall(libc::SYS_setresgid, *gid, *gid, *gid)).map_err(at(Step::User))?;
                check(libc::syscall(libc::SYS_setresuid, *uid, *uid, *uid)).map_err(at(Step::User))?;
            }
            check(libc::chdir(self.plan.cwd.as_ptr()).into()).map_err(at(Step::Directory))?;
            check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).into()).map_err(at(Step::NoNewPrivileges))?;
        }
        if let Some(program) = &self.plan.gate {
            let gate = install(program).map_err(at(Step::Gate))?;
            report::send_descriptor(self.plan.report.as_raw_fd(), gate).map_err(at(Step::SendGate))?;
        }
        self.hand_over().map_err(at(Step::Handed))
    }

    /// Descriptor 3 is the handed socket or nothing; nothing above it outlives exec.
    fn hand_over(&mut self) -> Result<(), Errno> {
        let mut first = 3;
        // SAFETY: system calls on descriptors of this process; 3 may be any of them, hence the copies above 9.
        unsafe {
            if let Some(handed) = &self.plan.handed {
                let report = check(libc::fcntl(self.plan.report.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10).into())?;
                let socket = check(libc::fcntl(handed.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10).into())?;
                mem::forget(mem::replace(&mut self.plan.report, OwnedFd::from_raw_fd(report as RawFd)));
                check(libc::dup2(socket as RawFd, 3).into())?;
                write_decimal(libc::getpid().unsigned_abs(), &mut self.listen_pid[11..]);
                first = 4;
            }
            // Older kernels (< 5.11) lack the flag; everything here is opened close-on-exec anyway.
            libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
        }
        Ok(())
    }

    fn exec(&self) -> Errno {
        let mut worst = Errno::ENOENT;
        for candidate in &self.plan.candidates {
            // SAFETY: all three are NUL-terminated and live; the arrays end with a null pointer.
            unsafe { libc::execve(candidate.as_ptr(), self.argv.as_ptr(), self.env.as_ptr()) };
            match Errno::last() {
                Errno::ENOENT | Errno::ENOTDIR => {}
                Errno::EACCES => worst = Errno::EACCES,
                other => return other,
            }
        }
        worst
    }
}

/// `number` in digits, ended by NUL. `into` has room for any `u32`.
fn write_decimal(number: u32, into: &mut [u8]) {
    let (mut digits, mut rest, mut length) = ([0_u8; 10], number, 0);
    loop {
        digits[length] = b'0' + (rest % 10) as u8;
        length += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    for place in 0..length {
        into[place] = digits[length - 1 - place];
    }
    into[length] = 0;
}
