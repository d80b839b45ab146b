//! The options for what a container knows of names: its own, others', and who is asked for them.

use std::net::IpAddr;

use clap::Args;

const HEADING: &str = "Root and mounts";

/// /etc/hosts, /etc/hostname and /etc/resolv.conf.
#[derive(Debug, Default, Clone, Args)]
pub struct EtcArgs {
    /// Name server for a root of its own, or none: /etc/resolv.conf stays the root's
    #[arg(long, help_heading = HEADING, value_name = "ADDRESS|none", value_parser = Dns::parse)]
    pub dns: Vec<Dns>,
    /// Domain in which short names are looked for; . for none
    #[arg(long, help_heading = HEADING, value_name = "DOMAIN", value_parser = word)]
    pub dns_search: Vec<String>,
    /// Option of the resolver, resolv.conf(5): ndots:2, rotate
    #[arg(long, help_heading = HEADING, value_name = "OPTION", visible_alias = "dns-opt", value_parser = word)]
    pub dns_option: Vec<String>,
    /// A line of /etc/hosts
    #[arg(long, help_heading = HEADING, value_name = "NAME:ADDRESS", value_parser = HostLine::parse)]
    pub add_host: Vec<HostLine>,
    /// Leave /etc/hosts of a root of its own as it is
    #[arg(long, help_heading = HEADING, conflicts_with = "add_host")]
    pub no_hosts: bool,
    /// Leave /etc/hostname of a root of its own as it is
    #[arg(long, help_heading = HEADING)]
    pub no_hostname: bool,
}

impl EtcArgs {
    /// The option for which /etc/hosts or /etc/resolv.conf must be other than the root's.
    pub fn asking(&self) -> Option<&'static str> {
        let given = [
            ("--dns", self.dns.iter().any(|dns| *dns != Dns::None)),
            ("--dns-search", !self.dns_search.is_empty()),
            ("--dns-option", !self.dns_option.is_empty()),
            ("--add-host", !self.add_host.is_empty()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(name, _)| name)
    }
}

/// `--dns`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dns {
    /// A server.
    Server(IpAddr),
    /// The root's own file.
    None,
}

impl Dns {
    fn parse(text: &str) -> Result<Dns, String> {
        match text {
            "none" => Ok(Dns::None),
            _ => text
                .parse()
                .map(Dns::Server)
                .map_err(|_| "neither an IP address nor none".to_string()),
        }
    }
}

/// `--add-host`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLine {
    /// A host's name.
    pub name: String,
    /// Its address.
    pub address: IpAddr,
}

impl HostLine {
    /// `NAME:ADDRESS` or `NAME=ADDRESS`; the address may be in brackets.
    fn parse(text: &str) -> Result<HostLine, String> {
        let (name, address) = text
            .split_once([':', '='])
            .ok_or("the address is missing: NAME:ADDRESS".to_string())?;
        let name = word(name)?;
        if address == "host-gateway" {
            return Err("there is no gateway to the host; with --net host it is 127.0.0.1".into());
        }
        let plain = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address = plain.unwrap_or(address).parse();
        let address = address.map_err(|_| "behind the name must be an IP address".to_string())?;
        Ok(HostLine { name, address })
    }
}

/// What stands in a line of such a file and cannot break it.
fn word(text: &str) -> Result<String, String> {
    // HOST_NAME_MAX is shorter, a domain may have 253.
    let fits = (1..=253).contains(&text.len());
    match fits && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"#;".contains(&byte)) {
        true => Ok(text.into()),
        false => Err("it is one word of up to 253 plain characters".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_server_is_an_address() {
        let server: IpAddr = "fe80::1".parse().unwrap();
        assert_eq!(Dns::parse("fe80::1"), Ok(Dns::Server(server)));
        assert_eq!(Dns::parse("none"), Ok(Dns::None));
        for wrong in ["", "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.4 ", "256.0.0.1"] {
            assert!(Dns::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_line_of_hosts_is_a_name_and_an_address() {
        for (text, name, address) in [
            ("bird:10.0.0.1", "bird", "10.0.0.1"),
            ("bird=10.0.0.1", "bird", "10.0.0.1"),
            ("bird:::1", "bird", "::1"),
            ("bird:[fe80::1]", "bird", "fe80::1"),
        ] {
            let line = HostLine::parse(text).unwrap();
            assert_eq!((line.name.as_str(), line.address), (name, address.parse().unwrap()));
        }
        for (wrong, why) in [
            ("bird", "address is missing"),
            ("bird:", "IP address"),
            (":1.1.1.1", "one word"),
            ("a b:1.1.1.1", "one word"),
            ("a\nb:1.1.1.1", "one word"),
            ("#:1.1.1.1", "one word"),
            ("bird:nest", "IP address"),
            ("bird:host-gateway", "no gateway"),
        ] {
            assert!(HostLine::parse(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }

    #[test]
    fn a_word_breaks_no_line() {
        for wrong in ["", "a b", "a\n", "a\tb", "é", "a#", ";", &"x".repeat(254)] {
            assert!(word(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(word("example.org"), Ok("example.org".into()));
    }
}
