//! The instance metadata service of one instance: version 2 and nothing else, as the EC2 user guide has it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use hyper::Method;
use serde_json::json;
use tokio::time::Instant;

use super::faults::{ImdsFaults, take};
use super::http::{Ask, Reply};
use super::options::InstanceOptions;

pub const ACCOUNT: &str = "123456789012";
pub const ROLE: &str = "herd-instance";
pub const INSTANCE_TYPE: &str = "t3.micro";
pub const IMAGE: &str = "ami-0123456789abcdef0";

const TOKEN: &str = "x-aws-ec2-metadata-token";
const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";

/// What IMDS knows of its instance.
#[derive(Debug)]
pub struct Metadata {
    pub id: String,
    pub region: String,
    pub user_data: Option<Vec<u8>>,
    pub tags: BTreeMap<String, String>,
    pub tags_shown: bool,
    pub faults: ImdsFaults,
    tokens: HashMap<String, Instant>,
    launched: SystemTime,
}

impl Metadata {
    pub fn new(id: &str, region: &str, options: &InstanceOptions) -> Self {
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            user_data: options.user_data.clone().map(String::into_bytes),
            tags: options.tags.clone(),
            tags_shown: !options.hide_tags,
            faults: ImdsFaults { no_target: options.no_target, ..ImdsFaults::default() },
            tokens: HashMap::new(),
            launched: SystemTime::now(),
        }
    }

    /// Every token is unknown from now on.
    pub fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Answers a request. `target` is where the group is taking the instance.
    pub fn answer(&mut self, ask: &Ask, target: &str) -> Option<Reply> {
        if self.faults.down {
            return None;
        }
        let reply = if self.faults.off {
            Reply::text(403, "")
        } else if take(&mut self.faults.failing) {
            Reply::text(500, "")
        } else if take(&mut self.faults.throttled) {
            Reply::text(429, "")
        } else if ask.method == Method::PUT {
            self.token(ask)
        } else if ask.method == Method::GET {
            self.get(ask, target)
        } else {
            Reply::text(405, "")
        };
        Some(reply.with("server", "EC2ws"))
    }

    fn token(&mut self, ask: &Ask) -> Reply {
        if ask.path != "/latest/api/token" || ask.header("x-forwarded-for").is_some() {
            return Reply::text(403, "");
        }
        let Some(ttl) = ask.header(TTL).and_then(|ttl| ttl.parse().ok()).filter(|ttl| (1..=21_600).contains(ttl))
        else {
            return Reply::text(400, "");
        };
        let token = format!("AQAE{:032x}{:016x}==", fastrand::u128(..), fastrand::u64(..));
        self.tokens.insert(token.clone(), Instant::now() + Duration::from_secs(ttl));
        Reply::text(200, token).with(TTL, ttl.to_string())
    }

    fn get(&mut self, ask: &Ask, target: &str) -> Reply {
        let now = Instant::now();
        let good = ask.header(TOKEN).and_then(|token| self.tokens.get(token)).is_some_and(|end| now < *end);
        if !good || take(&mut self.faults.unauthorized) {
            return Reply::text(401, "");
        }
        if self.faults.html {
            return Reply::new(200, "text/html", "<!DOCTYPE html><title>Sign in</title><p>Welcome to the airport");
        }
        self.value(&ask.path, target).unwrap_or_else(|| Reply::text(404, ""))
    }

    /// What is at a path of any version (`/latest/…`, `/2021-07-15/…`).
    fn value(&self, path: &str, target: &str) -> Option<Reply> {
        let (version, path) =
            path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        if version.is_empty() {
            return Some(Reply::text(200, "2009-04-04\n2018-09-24\n2021-07-15\nlatest"));
        }
        if version != "latest" && !version.starts_with("20") {
            return None;
        }
        if path == "user-data" {
            return Some(Reply::new(200, "application/octet-stream", self.user_data.clone()?));
        }
        let leaves = self.leaves(target);
        // A value may be asked for with a `/` behind it, as botocore does for the zone.
        if let Some(value) = leaves.get(path.trim_end_matches('/')) {
            return Some(Reply::text(200, value.clone()));
        }
        listing(&leaves, path).map(|names| Reply::text(200, names))
    }

    /// Every path that has a value.
    fn leaves(&self, target: &str) -> BTreeMap<String, String> {
        let zone = format!("{}a", self.region);
        let name = format!("ip-127-0-0-1.{}.compute.internal", self.region);
        let mut leaves: BTreeMap<String, String> = [
            ("ami-id", IMAGE),
            ("ami-launch-index", "0"),
            ("hostname", &name),
            ("instance-action", "none"),
            ("instance-id", &self.id),
            ("instance-life-cycle", "on-demand"),
            ("instance-type", INSTANCE_TYPE),
            ("local-hostname", &name),
            ("local-ipv4", "127.0.0.1"),
            ("mac", "02:00:00:00:00:01"),
            ("network/interfaces/macs/02:00:00:00:00:01/device-number", "0"),
            ("network/interfaces/macs/02:00:00:00:00:01/local-ipv4s", "127.0.0.1"),
            ("placement/availability-zone", &zone),
            ("placement/availability-zone-id", "euw1-az1"),
            ("placement/region", &self.region),
            ("profile", "default-hvm"),
            ("reservation-id", "r-0123456789abcdef0"),
            ("security-groups", "herd"),
            ("services/domain", "amazonaws.com"),
            ("services/partition", "aws"),
        ]
        .map(|(path, value)| (format!("meta-data/{path}"), value.to_owned()))
        .into();
        if !self.faults.no_target {
            leaves.insert("meta-data/autoscaling/target-lifecycle-state".to_owned(), target.to_owned());
        }
        if self.tags_shown {
            leaves
                .extend(self.tags.iter().map(|(key, value)| (format!("meta-data/tags/instance/{key}"), value.clone())));
        }
        if !self.faults.no_role {
            leaves.insert("meta-data/iam/info".to_owned(), self.profile());
            leaves.insert(format!("meta-data/iam/security-credentials/{ROLE}"), self.credentials());
        }
        leaves.insert("dynamic/instance-identity/document".to_owned(), self.document(&zone));
        leaves
    }

    fn document(&self, zone: &str) -> String {
        let document = json!({
            "accountId": ACCOUNT, "architecture": "x86_64", "availabilityZone": zone, "billingProducts": null,
            "devpayProductCodes": null, "marketplaceProductCodes": null, "imageId": IMAGE, "instanceId": self.id,
            "instanceType": INSTANCE_TYPE, "kernelId": null, "pendingTime": date(self.launched), "privateIp": "127.0.0.1",
            "ramdiskId": null, "region": self.region, "version": "2017-09-30",
        });
        format!("{document:#}")
    }

    fn profile(&self) -> String {
        let arn = format!("arn:aws:iam::{ACCOUNT}:instance-profile/{ROLE}");
        let profile = json!({"Code": "Success", "LastUpdated": date(self.launched), "InstanceProfileArn": arn, "InstanceProfileId": "AIPAEXAMPLE"});
        format!("{profile:#}")
    }

    /// Of no use anywhere but here.
    fn credentials(&self) -> String {
        let id = self.id.trim_start_matches("i-").to_ascii_uppercase();
        let credentials = json!({
            "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": date(self.launched),
            "AccessKeyId": format!("ASIA{id:0>16.16}"), "SecretAccessKey": "local-cloud-secret", "Token": "local-cloud-session",
            "Expiration": date(SystemTime::now() + Duration::from_secs(6 * 3600)),
        });
        format!("{credentials:#}")
    }
}

/// The names below a folder, folders with a `/` behind them, as IMDS lists them.
fn listing(leaves: &BTreeMap<String, String>, folder: &str) -> Option<String> {
    let folder = folder.trim_end_matches('/');
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let below = leaves.keys().filter_map(|path| path.strip_prefix(&prefix));
    let names: BTreeSet<String> =
        below.map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(name, _)| format!("{name}/"))).collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join("\n"))
}

fn date(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}
