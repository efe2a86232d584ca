//! The whole life of one instance: the real agent, real workers, the real SDK, and a group of the emulator's or of moto's.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test program: to panic is how it reports"
)]

#[path = "life/api_faults.rs"]
mod api_faults;
#[path = "life/imds_faults.rs"]
mod imds_faults;
#[path = "life/launch.rs"]
mod launch;
mod local_cloud;
#[path = "life/moto.rs"]
mod moto;
#[path = "life/pool.rs"]
mod pool;
#[path = "support/referees.rs"]
#[allow(dead_code, reason = "each program that uses this module uses a part of it")]
mod referees;
#[path = "life/rig.rs"]
#[allow(dead_code, reason = "each part uses a part of it")]
mod rig;
#[path = "support/agent.rs"]
#[allow(dead_code, reason = "each program that uses this module uses a part of it")]
mod support;
#[path = "life/terminate.rs"]
mod terminate;
#[path = "life/user_data.rs"]
mod user_data;
#[path = "life/weather.rs"]
mod weather;
#[path = "life/whole.rs"]
mod whole;
