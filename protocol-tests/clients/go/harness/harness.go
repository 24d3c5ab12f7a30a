// Package harness has what the programs of this module share: named checks, waiting with a limit, one printed line a check.
package harness

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Limit is how long a check waits for one thing.
const Limit = 30 * time.Second

var (
	// Bootstrap is the broker that the command line names first.
	Bootstrap = os.Args[1]
	// Run is part of every name, so that a program may run twice against one broker.
	Run = strconv.FormatInt(time.Now().UnixNano(), 36)
)

// Check is a function with the name that it is reported by.
type Check struct {
	Name string
	Run  func(context.Context)
}

// failure is what a check panics with: the reason it failed.
type failure string

// Main runs the checks that the command line names, or all, prints `ok NAME MILLIS` or `failed NAME: reason` for each, and ends
// the program with 1 when one failed.
func Main(checks []Check) {
	failed := 0
	for _, check := range checks {
		if len(os.Args) > 2 && !slices.Contains(os.Args[2:], check.Name) {
			continue
		}
		start := time.Now()
		if reason := attempt(check.Run); reason != "" {
			failed++
			fmt.Printf("failed %s: %s\n", check.Name, strings.ReplaceAll(reason, "\n", " "))
		} else {
			fmt.Printf("ok %s %d\n", check.Name, time.Since(start).Milliseconds())
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func attempt(run func(context.Context)) (reason string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*Limit)
	defer cancel()
	defer func() {
		if caught := recover(); caught != nil {
			message, ours := caught.(failure)
			if !ours {
				panic(caught)
			}
			reason = string(message)
		}
	}()
	run(ctx)
	return ""
}

// Fail ends the check with a reason. It must be called by the check's own goroutine.
func Fail(format string, values ...any) { panic(failure(fmt.Sprintf(format, values...))) }

// Must ends the check when there is an error.
func Must(err error, what string) {
	if err != nil {
		Fail("%s: %v", what, err)
	}
}

// Same ends the check when the two differ as text.
func Same[T any](expected, actual T, what string) {
	if e, a := fmt.Sprintf("%v", expected), fmt.Sprintf("%v", actual); e != a {
		Fail("%s: expected %s, got %s", what, e, a)
	}
}

// Until runs step until it answers true.
func Until(what string, step func() bool) {
	for deadline := time.Now().Add(Limit); !step(); {
		if time.Now().After(deadline) {
			Fail("not within %s: %s", Limit, what)
		}
	}
}

// Values are the record values from `v<from>` up to but not `v<to>`, sorted.
func Values(from, to int) (all []string) {
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprintf("v%d", i))
	}
	sort.Strings(all)
	return all
}

// Sorted is a sorted copy.
func Sorted(values []string) []string {
	copied := slices.Clone(values)
	sort.Strings(copied)
	return copied
}
