//! Parsers of /proc/net/tcp, tcp6, udp and udp6, which list listening TCP sockets
//! and bound UDP sockets.

/// A transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// All protocols.
    pub const ALL: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

    /// Returns the files in /proc/net that list its sockets, for IPv4 and for
    /// IPv6.
    pub const fn proc_files(self) -> [&'static str; 2] {
        match self {
            Protocol::Tcp => ["tcp", "tcp6"],
            Protocol::Udp => ["udp", "udp6"],
        }
    }

    /// Returns its name as users write it in front of a port.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// A listening TCP socket or a bound UDP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundSocket {
    pub protocol: Protocol,
    /// Its local port.
    pub port: u16,
    /// Its inode, to which the links in /proc/PID/fd refer.
    pub inode: u64,
    /// The UID of the user who created it.
    pub uid: u32,
}

/// TCP_LISTEN (include/net/tcp_states.h) in hexadecimal, as the file prints it.
const TCP_LISTEN: &str = "0A";

/// Parses the text of one of the files and returns its listening TCP or bound UDP
/// sockets. Skips malformed lines, and sockets without an inode because no
/// process has them open.
pub(crate) fn parse_sockets(text: &[u8], protocol: Protocol) -> impl Iterator<Item = BoundSocket> {
    let lines = text.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(move |line| parse_socket(std::str::from_utf8(line).ok()?, protocol))
}

/// Parses one line. The fields are those of `get_tcp4_sock` in
/// net/ipv4/tcp_ipv4.c: slot, local address, remote address, state, two queues,
/// timer, retransmits, UID, timeout, inode.
fn parse_socket(line: &str, protocol: Protocol) -> Option<BoundSocket> {
    let mut fields = line.split_ascii_whitespace();
    let local = fields.nth(1)?;
    let state = fields.nth(1)?;
    if protocol == Protocol::Tcp && state != TCP_LISTEN {
        return None;
    }
    let (_, port) = local.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let uid = fields.nth(3)?.parse().ok()?;
    let inode = fields.nth(1)?.parse().ok().filter(|inode| *inode != 0)?;
    Some(BoundSocket { protocol, port, inode, uid })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP: &[u8] = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0 3 0000000000000000
cut: 0100007F:1F90 00000000:0000 0A 00000000
";
    const UDP6: &[u8] = b"  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1021: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 77 2 0000000000000000 0
";

    #[test]
    fn parse_sockets_returns_listening_and_bound() {
        let (tcp, udp) = (Protocol::Tcp, Protocol::Udp);
        let listening = BoundSocket { protocol: tcp, port: 8080, inode: 4242, uid: 1000 };
        assert_eq!(parse_sockets(TCP, tcp).collect::<Vec<_>>(), [listening]);
        let bound = BoundSocket { protocol: udp, port: 53, inode: 77, uid: 101 };
        assert_eq!(parse_sockets(UDP6, udp).collect::<Vec<_>>(), [bound]);
        assert_eq!(parse_sockets(UDP6, tcp).count(), 0, "state 07 is TCP_CLOSE");
        assert_eq!(parse_sockets(b"", tcp).count(), 0);
    }

    proptest! {
        #[test]
        fn parse_sockets_never_panics(text in "[ -~\n]{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse_sockets(text.as_bytes(), Protocol::Udp).count();
            parse_sockets(&bytes, Protocol::Tcp).count();
        }
    }
}
