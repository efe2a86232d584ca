//! Who listens on a port: a best effort, for messages.

use std::fmt;
use std::fs;
use std::path::Path;

/// A process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its number.
    pub pid: i32,
    /// Its short name, as `ps` shows it.
    pub command: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (process {})", self.command, self.pid)
    }
}

/// Looks through `/proc` for a process that listens on TCP `port`. Blocks for as long as that takes; `None` also when this process
/// may not look.
pub fn find(port: u16) -> Option<Owner> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let text: String = tables.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    let wanted: Vec<String> = listening(&text, port).map(|inode| format!("socket:[{inode}]")).collect();
    if wanted.is_empty() {
        return None;
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut numbers: Vec<i32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    let pid = numbers.into_iter().find(|pid| holds(*pid, &wanted))?;
    let command = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(Owner { pid, command: command.trim_end().to_owned() })
}

/// The inodes of the sockets that listen on `port`, from the text of `/proc/net/tcp`.
fn listening(table: &str, port: u16) -> impl Iterator<Item = &str> {
    const LISTEN: &str = "0A";
    table.lines().filter_map(move |line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let (_, local) = fields.get(1)?.rsplit_once(':')?;
        let here = u16::from_str_radix(local, 16).ok()? == port && *fields.get(3)? == LISTEN;
        fields.get(9).copied().filter(|_| here)
    })
}

fn holds(pid: i32, wanted: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return false;
    };
    descriptors.flatten().any(|entry| {
        fs::read_link(entry.path())
            .is_ok_and(|target| wanted.iter().any(|socket| target.as_os_str() == socket.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_owner_of_a_port_is_found() {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        let owner = find(listener.local_addr().unwrap().port()).unwrap();
        assert_eq!(owner.pid, std::process::id() as i32);
        assert!(!owner.command.is_empty());
    }

    #[test]
    fn a_port_that_is_only_connected_to_has_no_owner() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(find(client.local_addr().unwrap().port()), None);
    }
}
