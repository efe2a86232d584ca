//! The one TLS provider of the process: rustls with ring.

/// Makes ring the TLS provider of this process; free to call again and from anywhere.
///
/// gix builds its own HTTP clients from the `rustls-no-provider` flavour of reqwest, which panics without a process-wide
/// provider. `main` calls this first thing; every git connection calls it once more, so that no order of start-up matters.
pub fn use_ring() {
    // An error only says that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
