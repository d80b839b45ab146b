// The workload: what a typical static program costs to start, and nothing else.
fn main() {}
