// The sleeping workload: says that it runs, then sleeps until standard input
// ends. So the benchmark learns of each start without polling, and whatever
// kills the benchmark also ends its containers.
use std::io::{Read, Write};

fn main() {
    let mut out = std::io::stdout();
    if out.write_all(b".").and_then(|()| out.flush()).is_ok() {
        let _ = std::io::stdin().read(&mut [0]);
    }
}
