// Package sim runs the ordering cores of a whole network on one seeded scheduler:
// production machines, virtual time, and no network, disk or clock. Whatever can
// happen to a real network happens here, as the seed decides: latency, loss,
// duplication, reordering, partitions, clock skew, crashes before and after each
// sync, nodes that equivocate, garble and keep silent, and two nodes with one key.
//
// A [Scenario] says what may happen, [Run] plays it with one seed and checks after
// every step what must hold (check.go). A failure names its seed, and the same
// seed replays the same run, event for event.
//
// Lanes and execution are synthetic (lanes.go, execution.go): cars grow at random,
// a state root is the hash chain of what was ordered.
//
// It may import the pure packages that it drives. Only tests import it.
package sim
