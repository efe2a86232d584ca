//! Ports, numbers of workers and the address to listen on.

use std::net::SocketAddr;
use std::num::NonZeroU16;

use serde_json::json;
use toml::de::DeValue;

use super::kind::{Kind, Wrong, quoted, text};
use crate::config::values::Count;

/// More workers than any instance type has cores for are a slip of the finger.
const MOST_WORKERS: u16 = 256;

pub(in crate::config) static PORT: Kind<NonZeroU16> = Kind {
    words: "a number from 1 to 65535",
    schema: || json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
    read: |value| {
        let right = "a port is a number from 1 to 65535";
        whole(value.get_ref(), right)?
            .and_then(|port| u16::try_from(port).ok())
            .and_then(NonZeroU16::new)
            .ok_or_else(|| Wrong::value(value.get_ref(), right))
    },
    show: ToString::to_string,
};

pub(in crate::config) static COUNT: Kind<Count> = Kind {
    words: "`\"cores\"` or a number from 1 to 256",
    schema: || json!({ "anyOf": [{ "const": "cores" }, { "type": "integer", "minimum": 1, "maximum": MOST_WORKERS }] }),
    read: |value| {
        let right = "the number of workers is \"cores\" (one for each core) or a number from 1 to 256";
        if value.get_ref().as_str() == Some("cores") {
            return Ok(Count::Cores);
        }
        whole(value.get_ref(), right)?
            .and_then(|count| u16::try_from(count).ok())
            .filter(|count| *count <= MOST_WORKERS)
            .and_then(NonZeroU16::new)
            .map(Count::Fixed)
            .ok_or_else(|| Wrong::value(value.get_ref(), right))
    },
    show: |count| match count {
        Count::Cores => quoted("cores"),
        Count::Fixed(count) => count.to_string(),
    },
};

pub(in crate::config) static LISTEN: Kind<SocketAddr> = Kind {
    words: "an IP address and a port",
    schema: || json!({ "type": "string", "pattern": "^[0-9a-fA-F.:%\\[\\]]+:[0-9]+$" }),
    read: |value| {
        let value = value.get_ref();
        let found = text(value, "the address to listen on")?;
        match found.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => Ok(address),
            Ok(_) => Err(Wrong::value(value, "port 0 would be another port at every start; name one from 1 to 65535")),
            Err(_) => Err(Wrong::value(value, format!("an IP address and a port are needed, {}", listen_hint(found)))),
        }
    },
    show: |address| quoted(&address.to_string()),
};

fn listen_hint(found: &str) -> String {
    let port = found.rsplit_once(':').map_or(found, |(_, port)| port);
    match port.parse::<NonZeroU16>() {
        Ok(port) => {
            format!("such as \"0.0.0.0:{port}\" (from anywhere) or \"127.0.0.1:{port}\" (from this machine alone)")
        }
        Err(_) => "such as \"0.0.0.0:4373\"".to_owned(),
    }
}

/// A whole number; `Ok(None)` for one too large for any use.
fn whole(value: &DeValue<'_>, right: &str) -> Result<Option<i64>, Vec<Wrong>> {
    match value {
        DeValue::Integer(number) => Ok(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::String(text) if text.trim().parse::<i64>().is_ok() => {
            Err(Wrong::value(value, format!("{right}; write it without the quotes")))
        }
        _ => Err(Wrong::value(value, right)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::testing::read;
    use super::*;

    #[test]
    fn a_port_is_a_number_from_1_to_65535() {
        assert_eq!(read(&PORT, "1").unwrap().get(), 1);
        assert_eq!(read(&PORT, "0xffff").unwrap().get(), 65535);
        assert_eq!(read(&PORT, "8_080").unwrap().get(), 8080);
        for wrong in ["0", "-1", "65536", "99999999999999999999999", "3000.0", "true", "[3000]", "2020-01-01"] {
            assert_eq!(
                read(&PORT, wrong).unwrap_err().split_once(": ").unwrap().1,
                "a port is a number from 1 to 65535",
                "{wrong}"
            );
        }
        assert_eq!(
            read(&PORT, "\"3000\"").unwrap_err(),
            "= \"3000\": a port is a number from 1 to 65535; write it without the quotes"
        );
    }

    #[test]
    fn workers_are_counted_from_1_to_256_or_by_cores() {
        assert_eq!(read(&COUNT, "\"cores\""), Ok(Count::Cores));
        assert_eq!(read(&COUNT, "256"), Ok(Count::Fixed(NonZeroU16::new(256).unwrap())));
        for wrong in ["0", "257", "-4", "\"core\"", "1.5", "{}"] {
            assert!(
                read(&COUNT, wrong).unwrap_err().contains("\"cores\" (one for each core) or a number from 1 to 256")
            );
        }
        assert!(read(&COUNT, "\"4\"").unwrap_err().ends_with("; write it without the quotes"));
    }

    #[test]
    fn listening_needs_an_ip_address_and_a_port() {
        assert_eq!(read(&LISTEN, "\"[::]:80\"").unwrap().port(), 80);
        assert!(read(&LISTEN, "\"0.0.0.0:0\"").unwrap_err().contains("another port at every start"));
        for wrong in ["\":80\"", "\"80\"", "\"localhost:80\""] {
            assert!(read(&LISTEN, wrong).unwrap_err().contains("such as \"0.0.0.0:80\" (from anywhere)"), "{wrong}");
        }
        for wrong in ["\"\"", "\"0.0.0.0\"", "\"1.2.3.4:99999\"", "\"300.1.1.1:\""] {
            assert!(read(&LISTEN, wrong).unwrap_err().ends_with("such as \"0.0.0.0:4373\""), "{wrong}");
        }
        assert_eq!(read(&LISTEN, "4373").unwrap_err(), "= 4373: the address to listen on is written in quotes");
    }
}
