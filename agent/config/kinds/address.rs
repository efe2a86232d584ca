//! The address of a git remote.
//!
//! It goes into status, logs and another program's arguments, so it may hold no secret and nothing that `ssh` could take for an option.
//! No message shows any part of a refused address: the part that is wrong may be the secret.

use std::net::Ipv6Addr;
use std::num::NonZeroU16;

use serde_json::json;

use super::kind::{Kind, Wrong, quoted};

const SECRET: &str = "has a user, password or token in the address, which would show in status and logs: take out all from after `//` \
     to the `@`; for a private repository use an ssh address with a deploy key";
const FORMS: &str = "`https://host/path`, `ssh://git@host/path`, `git@host:path`, `file:///path` or `/path`";

pub(in crate::config) static GIT: Kind<String> = Kind {
    words: "an address: `https://…`, `http://…`, `ssh://…`, `git@host:path`, `file:///…` or an absolute path",
    schema: || json!({ "type": "string", "pattern": "^(https?://[^@/\\s]+/.|ssh://[^:/\\s]+(:[0-9]+)?/.|[^@:/\\s]+@[^:/\\s]+:.|file:///.|/.)" }),
    read: |value| {
        let Some(found) = value.get_ref().as_str() else {
            return Err(Wrong::hidden("the address of a git repository is written in quotes"));
        };
        check(found).map(|()| found.to_owned()).map_err(Wrong::hidden)
    },
    show: |url| quoted(url),
};

fn check(found: &str) -> Result<(), String> {
    if found.is_empty() {
        return Err(format!("is empty; write {FORMS}"));
    }
    if found.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("has a space, a backslash or a control character; a git address has none".to_owned());
    }
    if found.starts_with('/') {
        return Ok(());
    }
    match found.split_once("://") {
        Some(("https" | "http", rest)) => web(rest),
        Some(("ssh", rest)) => ssh(rest),
        Some(("file", rest)) if rest.len() > 1 && rest.starts_with('/') => Ok(()),
        Some(("file", _)) => Err("must be `file:///` and an absolute path, with three slashes".to_owned()),
        Some(("s3", _)) => Err(format!("cannot be fetched from S3 by this version; write {FORMS}")),
        Some(_) => Err(format!("has an unknown scheme in front of `://`; write {FORMS}")),
        None => scp(found),
    }
}

fn web(rest: &str) -> Result<(), String> {
    let (authority, path) = split_authority(rest);
    if authority.contains('@') {
        return Err(SECRET.to_owned());
    }
    if path.contains('?') {
        return Err("has a `?`; a git address has no query, and a token in it would show in status and logs".to_owned());
    }
    if path.contains('#') {
        return Err("has a `#`; the branch, tag or commit belongs into `source.ref`".to_owned());
    }
    host_and_port(authority)?;
    repository(path)
}

fn ssh(rest: &str) -> Result<(), String> {
    let (authority, path) = split_authority(rest);
    let host = match authority.rsplit_once('@') {
        Some((user, _)) if user.contains(':') => return Err(SECRET.to_owned()),
        Some((user, host)) => {
            ssh_user(user)?;
            host
        }
        None => authority,
    };
    host_and_port(host)?;
    repository(path)
}

/// `git@host:path`, or what was meant to be something else.
fn scp(found: &str) -> Result<(), String> {
    let (before, path) = found.split_once(':').unwrap_or((found, ""));
    match before.rsplit_once('@') {
        Some((user, host)) if !path.is_empty() && !host.contains('/') => {
            ssh_user(user)?;
            host_name(host)?;
            if path.starts_with('-') { Err("has a path that begins with `-`".to_owned()) } else { Ok(()) }
        }
        None if path.contains('@') => Err(SECRET.to_owned()),
        None if path.is_empty()
            && before.contains('/')
            && host_name(before.split('/').next().unwrap_or("")).is_ok_and(|()| before.contains('.')) =>
        {
            if before.starts_with('.') {
                return Err(format!("must not be a relative path; write {FORMS}"));
            }
            Err(format!("needs a scheme; did you mean `https://{before}`?"))
        }
        _ => Err(format!("is no address of a git repository; write {FORMS}")),
    }
}

fn split_authority(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()))
}

fn host_and_port(authority: &str) -> Result<(), String> {
    if let Some(bracketed) = authority.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or("has a `[` without a `]`")?;
        address.parse::<Ipv6Addr>().map_err(|_| "has no IPv6 address in its brackets")?;
        return match after.strip_prefix(':') {
            Some(number) => port(number),
            None if after.is_empty() => Ok(()),
            None => Err("has something between the `]` and the path that is no port".to_owned()),
        };
    }
    match authority.split_once(':') {
        Some((host, number)) => host_name(host).and_then(|()| port(number)),
        None => host_name(authority),
    }
}

fn port(number: &str) -> Result<(), String> {
    number.parse::<NonZeroU16>().map(|_| ()).map_err(|_| "has a port that is no number from 1 to 65535".to_owned())
}

fn host_name(host: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match host {
        "" => Err(format!("has no host; write {FORMS}")),
        option if option.starts_with('-') => Err("has a host that begins with `-`".to_owned()),
        host if host.chars().all(good) => Ok(()),
        _ => Err("has a character in its host that no host name has".to_owned()),
    }
}

fn ssh_user(user: &str) -> Result<(), String> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if user.is_empty() || user.starts_with('-') || !user.chars().all(good) {
        return Err("has something before its `@` that is no user name (mostly it is `git`)".to_owned());
    }
    Ok(())
}

fn repository(path: &str) -> Result<(), String> {
    match path.trim_start_matches('/') {
        "" => Err("names a host but no repository on it".to_owned()),
        // git itself refuses to hand such a path to the other side (CVE-2017-1000117).
        option if option.starts_with('-') => Err("has a path that begins with `-`".to_owned()),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
