//! Addresses of git remotes: what is taken, what is refused, and that no secret gets out.

use super::super::kind::testing::read;
use super::*;

#[test]
fn the_usual_addresses_are_taken() {
    for good in [
        "https://github.com/you/app",
        "https://github.com/you/app.git",
        "https://git.example.org:8443/a/b",
        "http://10.0.0.1:3000/you/app.git",
        "http://[::1]:3000/app",
        "https://[fd00::1]/app",
        "https://dev.azure.com/org/project/_git/repo",
        "ssh://git@github.com/you/app.git",
        "ssh://git.example.org:2222/app",
        "git@github.com:you/app.git",
        "APKAEXAMPLE@git-codecommit.eu-central-1.amazonaws.com:v1/repos/app",
        "file:///srv/git/app.git",
        "/srv/git/app.git",
    ] {
        assert_eq!(read(&GIT, &quoted(good)), Ok(good.to_owned()));
    }
}

#[test]
fn an_address_with_a_secret_is_refused_and_the_secret_is_not_told() {
    for secret in [
        "https://user:hunter2@github.com/you/app",
        "https://hunter2@github.com/you/app",
        "https://:hunter2@github.com/you/app",
        "https://user:hunter2@",
        "ssh://git:hunter2@github.com/you/app",
        "git:hunter2@github.com:you/app",
    ] {
        let told = read(&GIT, &quoted(secret)).unwrap_err();
        assert!(told.contains("would show in status and logs"), "{secret}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn no_refused_address_is_shown() {
    for malformed in [
        "\"https//user:hunter2@github.com/you/app\"",
        "\"https://user:hunt/er2@github.com\"",
        "\"https://github.com/you/app?token=hunter2\"",
        "\"hunter2://x\"",
        "\"hunter2 \"",
        "[\"hunter2\"]",
        "\"user@hunter2\"",
    ] {
        let told = read(&GIT, malformed).unwrap_err();
        assert!(!told.contains("hunter2") && !told.contains("er2@"), "{told}");
    }
}

#[test]
fn a_malformed_address_is_told_what_is_wrong_with_it() {
    for (wrong, message) in [
        ("", "is empty"),
        ("github.com/you/app", "needs a scheme; did you mean `https://github.com/you/app`?"),
        ("./app", "must not be a relative path"),
        ("../app", "must not be a relative path"),
        ("app", "is no address of a git repository"),
        ("github.com:you/app", "is no address of a git repository"),
        ("https://", "has no host"),
        ("https:///you/app", "has no host"),
        ("https://github.com", "names a host but no repository"),
        ("https://github.com/", "names a host but no repository"),
        ("https://github.com:0/x", "has a port that is no number"),
        ("https://github.com:https/x", "has a port that is no number"),
        ("https://git hub.com/x", "has a space"),
        ("https://github.com/x\n", "has a space, a backslash or a control character"),
        ("https://gith%75b.com/x", "no host name has"),
        ("https://[::1/x", "`[` without a `]`"),
        ("https://[zz]/x", "no IPv6 address"),
        ("https://[::1]x/x", "no port"),
        ("https://github.com/you/app#main", "belongs into `source.ref`"),
        ("https://github.com/you/app?x=1", "has no query"),
        ("ssh://-oProxyCommand=x/app", "begins with `-`"),
        ("ssh://-u@host/app", "no user name"),
        ("ssh://git@host/-x", "begins with `-`"),
        ("git@-host:app", "begins with `-`"),
        ("git@host:-app", "begins with `-`"),
        ("git@host:", "is no address"),
        ("file://host/app", "with three slashes"),
        ("file://", "with three slashes"),
        ("git://github.com/x", "unknown scheme"),
        ("ext::sh -c x", "has a space"),
        ("ext::x", "is no address"),
        ("s3://bucket/x", "cannot be fetched from S3 by this version"),
    ] {
        let told = read(&GIT, &quoted(wrong)).unwrap_err();
        assert!(told.contains(message), "{wrong:?}: {told}");
    }
}
