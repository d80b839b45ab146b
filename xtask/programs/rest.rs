// The workload of a container that lives on its own: it never ends by itself.
fn main() {
    loop {
        std::thread::park();
    }
}
