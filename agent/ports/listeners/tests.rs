//! The rules of keeping sockets, with real sockets of this process in the place of workers'.

use std::net::{TcpListener, TcpStream};

use socket2::Type;

use super::*;
use crate::decide::ids::Slot;

fn seat(slot: u16) -> Seat {
    Seat { slot: Slot(slot), number: 1 }
}

/// A free address and the table of its port.
fn table() -> (Listeners, SocketAddr) {
    let at = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    (Listeners::new(at.port()), at)
}

fn socket() -> Socket {
    Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap()
}

/// Binds and listens like a worker; the socket that the worker then has.
fn work(table: &mut Listeners, seat: Seat, at: SocketAddr) -> Socket {
    let (run, own) = (table.begin_run(), socket());
    let has = match table.bind(seat, run, &own, at).unwrap() {
        Bound::Own => own,
        Bound::Instead(kept) => kept,
    };
    table.listen(&has, 5).unwrap().unwrap();
    has
}

#[test]
fn a_call_that_is_repeated_after_a_signal_succeeds_again() {
    let (mut table, at) = table();
    let (run, own) = (table.begin_run(), socket());
    for _ in 0..3 {
        assert!(matches!(table.bind(seat(0), run, &own, at), Ok(Bound::Own)));
    }
    table.listen(&own, 5).unwrap().unwrap();
    table.listen(&own, 5).unwrap().unwrap();
    assert_eq!(table.steering.members(table.kept[0].address), [seat(0)]);
}

#[test]
fn a_replacement_gets_the_kept_socket_in_the_mode_it_asked_for() {
    let (mut table, at) = table();
    let first = work(&mut table, seat(0), at);
    let (run, own) = (table.begin_run(), socket());
    own.set_nonblocking(true).unwrap();
    let Bound::Instead(kept) = table.bind(seat(0), run, &own, at).unwrap() else { panic!("its own") };
    assert_eq!(kept.cookie().unwrap(), first.cookie().unwrap());
    assert!(kept.nonblocking().unwrap());
}

#[test]
fn a_port_shared_by_somebody_else_is_not_joined() {
    let (mut table, at) = table();
    let stranger = socket();
    stranger.set_reuse_port(true).unwrap();
    stranger.bind(&at.into()).unwrap();
    stranger.listen(1).unwrap();
    let run = table.begin_run();
    let refused = table.bind(seat(0), run, &socket(), at).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    table.open(seat(0)).unwrap_err();
    drop(stranger);
    work(&mut table, seat(0), at);
}

#[test]
fn a_released_socket_is_gone_though_somebody_still_holds_it() {
    let (mut table, at) = table();
    let held = work(&mut table, seat(0), at);
    table.release(seat(0)).unwrap();
    assert!(!held.is_listener().unwrap());
    assert_eq!(table.route(seat(0)), None);
    TcpStream::connect(at).unwrap_err();
}

#[test]
fn a_worker_that_shuts_its_socket_down_loses_its_place_and_finds_a_new_one() {
    let (mut table, at) = table();
    let [first, _second] = [0, 1].map(|slot| work(&mut table, seat(slot), at));
    first.shutdown(Shutdown::Both).unwrap();
    table.set_serving(seat(1), true).unwrap();
    let place = |table: &Listeners, slot| table.route(seat(slot)).map(|route| route.from.unwrap().octets()[3]);
    assert_eq!((place(&table, 0), place(&table, 1)), (None, Some(0)));
    table.listen(&first, 5).unwrap().unwrap();
    assert_eq!((place(&table, 0), place(&table, 1)), (Some(1), Some(0)));
}

#[test]
fn sockets_of_other_kinds_and_ports_are_no_concern() {
    let (table, at) = table();
    let udp = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    assert!(table.concerns(&socket(), at));
    assert!(!table.concerns(&udp, at));
    assert!(!table.concerns(&socket(), SocketAddr::new(at.ip(), at.port() ^ 1)));
    assert!(!table.concerns(&socket(), SocketAddr::new(Ipv6Addr::LOCALHOST.into(), at.port())));
}
