//! Who this instance is: what the identity document and the tags say, once it has been checked.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::decide::ids::{GroupName, InstanceId};

/// The tag that Auto Scaling puts on its instances. Whether IMDS shows it is not documented: a hint, no more.
const GROUP_TAG: &str = "aws:autoscaling:groupName";

/// Who this instance is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `i-…`.
    pub instance_id: InstanceId,
    /// Such as `m7g.large`.
    pub instance_type: String,
    /// Such as `eu-west-1`.
    pub region: String,
    /// Such as `eu-west-1a`.
    pub zone: String,
    /// `ami-…`.
    pub image_id: String,
    /// The account's twelve digits, where the document has them.
    pub account: Option<String>,
    /// The instance's tags; empty where the metadata options do not show them.
    pub tags: BTreeMap<String, String>,
    /// The Auto Scaling group, where a tag names it. Only DescribeAutoScalingInstances knows for sure.
    pub group_hint: Option<GroupName>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    instance_id: String,
    instance_type: String,
    region: String,
    availability_zone: String,
    image_id: String,
    account_id: Option<String>,
}

impl Identity {
    /// Reads the identity document, or says what is wrong with it.
    pub(super) fn from_document(json: &str) -> Result<Self, String> {
        let document: Document =
            serde_json::from_str(json).map_err(|error| format!("the identity document cannot be read: {error}"))?;
        check("instanceId", &document.instance_id, is_instance_id)?;
        check("instanceType", &document.instance_type, is_name)?;
        check("region", &document.region, is_name)?;
        check("availabilityZone", &document.availability_zone, is_name)?;
        check("imageId", &document.image_id, is_name)?;
        if let Some(account) = &document.account_id {
            check("accountId", account, |text| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()))?;
        }
        Ok(Self {
            instance_id: InstanceId::new(document.instance_id),
            instance_type: document.instance_type,
            region: document.region,
            zone: document.availability_zone,
            image_id: document.image_id,
            account: document.account_id,
            tags: BTreeMap::new(),
            group_hint: None,
        })
    }

    pub(super) fn with_tags(mut self, tags: BTreeMap<String, String>) -> Self {
        self.group_hint = tags.get(GROUP_TAG).filter(|name| is_group_name(name)).map(GroupName::new);
        self.tags = tags;
        self
    }
}

fn check(field: &str, text: &str, good: fn(&str) -> bool) -> Result<(), String> {
    if good(text) { Ok(()) } else { Err(format!("{field} of the identity document is {text:?}")) }
}

/// `i-` and 8 to 17 hexadecimal digits.
fn is_instance_id(text: &str) -> bool {
    text.strip_prefix("i-")
        .is_some_and(|id| (8..=17).contains(&id.len()) && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

/// What regions, zones, types and images are written with. It goes into host names and logs.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        && !text.starts_with(['-', '.'])
}

/// At most 255 characters, no control character. Source: botocore's model of CreateAutoScalingGroup.
fn is_group_name(text: &str) -> bool {
    (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// The keys of a listing of tags, one a line. A key that cannot stand in a path is left out, as IMDS itself has none.
pub(super) fn tag_keys(listing: &str) -> impl Iterator<Item = &str> {
    let fits = |key: &&str| {
        !matches!(*key, "" | "." | "..") && !key.contains(['/', ' ']) && !key.chars().any(char::is_control)
    };
    listing.lines().map(str::trim).filter(fits)
}

/// A tag's key as one segment of a path.
pub(super) fn path_segment(key: &str) -> String {
    use std::fmt::Write;
    key.bytes().fold(String::new(), |mut segment, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            segment.push(char::from(byte));
        } else {
            write!(segment, "%{byte:02X}").expect("a String takes everything");
        }
        segment
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_a_strange_value_is_refused_by_name() {
        let document = |id: &str, region: &str| {
            serde_json::json!({"instanceId": id, "instanceType": "t3.micro", "region": region,
                "availabilityZone": "eu-west-1a", "imageId": "ami-0123456789abcdef0", "accountId": null})
            .to_string()
        };
        assert!(Identity::from_document(&document("i-0123456789abcdef0", "eu-west-1")).is_ok());
        for (id, region, field) in [
            ("i-../../etc", "eu-west-1", "instanceId"),
            ("i-0123456789abcdef0\n", "eu-west-1", "instanceId"),
            ("i-0123456789abcdef0", "evil.example/x?", "region"),
            ("i-0123456789abcdef0", "", "region"),
        ] {
            assert!(Identity::from_document(&document(id, region)).unwrap_err().contains(field));
        }
        assert!(Identity::from_document("{}").is_err());
    }

    #[test]
    fn a_tags_key_stays_inside_its_folder() {
        assert_eq!(tag_keys("Name\n..\n.\n\na/b\nrole\r\n").collect::<Vec<_>>(), ["Name", "role"]);
        assert_eq!(path_segment("aws:autoscaling:groupName"), "aws:autoscaling:groupName");
        assert_eq!(path_segment("a?b#c%"), "a%3Fb%23c%25");
        assert_eq!(path_segment("ü"), "%C3%BC");
    }
}
