// Command isthmus runs nodes of networks and speaks to them.
//
// One file for each command. The program is a value (program.go), so that tests
// run it without a process; main only calls it. Commands print tables, or JSON
// with --json; what fails ends the program with the exit code that package api
// gives its class of error.
//
// Nothing imports it. It may import everything.
package main
