// The workload that says much: so many megabytes of lines on standard output.
use std::io::Write;

fn main() {
    let megabytes = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1);
    let line = [&[b'x'; 127][..], b"\n"].concat();
    let block = line.repeat(512);
    let mut output = std::io::stdout();
    for _ in 0..megabytes * 16 {
        if output.write_all(&block).is_err() {
            return;
        }
    }
}
