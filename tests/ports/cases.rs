//! What is none of the gate's business, and what goes wrong.

use std::net::TcpListener;

use herdsman::ports::PortEvent;

use crate::rig::{Herd, Program, get, soon};

#[tokio::test]
async fn other_sockets_of_a_program_are_left_alone() {
    let mut herd = Herd::new();
    herd.start(0, &Program::python().with("KIND", "others"));
    let elsewhere = match herd.event().await {
        PortEvent::ListeningElsewhere { address, .. } => address.port(),
        other => panic!("{other:?}"),
    };
    herd.until_listening().await;
    let line = soon("its word", herd.workers[0].lines.recv()).await.unwrap().text;
    assert_eq!(line, format!("others [0, 0, 0] {elsewhere}"), "none of them was made shareable");
    get(herd.port, "/").await.unwrap();
    herd.end().await;
}

#[tokio::test]
async fn a_port_that_another_program_has_is_refused_and_its_owner_named() {
    let mut herd = Herd::new();
    let taken = TcpListener::bind(("0.0.0.0", herd.port)).unwrap();
    herd.start(0, &Program::python());
    match herd.event().await {
        PortEvent::Refused { error, owner, .. } => {
            assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
            assert_eq!(owner.unwrap().pid, std::process::id() as i32);
        }
        other => panic!("{other:?}"),
    }
    let exit = soon("its end", herd.workers[0].process.wait()).await.unwrap();
    assert_eq!(exit.to_string(), "exit code 1");
    let tail = herd.workers[0].process.tail().lines();
    assert!(tail.last().unwrap().contains("Address already in use"), "{tail:?}");
    drop(taken);
    herd.replace(0, &Program::python()).await;
    get(herd.port, "/").await.unwrap();
    herd.end().await;
}

#[tokio::test]
async fn a_release_that_listens_elsewhere_gives_up_what_its_forerunner_had() {
    let mut herd = Herd::of(1, &Program::python().with("HOST", "127.0.0.1")).await;
    herd.crash(0).await;
    herd.replace(0, &Program::python()).await;
    // Two sockets in the seat now, and nobody accepts from the narrower one.
    herd.keeper.set_serving(herd.workers[0].seat, true).unwrap();
    let (answers, failures) = herd.ask(10).await;
    assert_eq!((answers.len(), failures), (1, Vec::new()));
    herd.end().await;
}

#[tokio::test]
async fn an_unprivileged_address_error_reaches_the_program() {
    let mut herd = Herd::new();
    // An address of documentation: not of this machine.
    herd.start(0, &Program::python().with("HOST", "192.0.2.1"));
    assert!(matches!(herd.event().await, PortEvent::Refused { owner: None, .. }));
    soon("its end", herd.workers[0].process.wait()).await.unwrap();
    let tail = herd.workers[0].process.tail().lines();
    assert!(tail.last().unwrap().contains("Cannot assign requested address"), "{tail:?}");
    herd.end().await;
}
