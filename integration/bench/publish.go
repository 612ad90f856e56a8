//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// report is what -json writes.
type report struct {
	Date    time.Time `json:"date"`
	Command string    `json:"command"`
	CPU     string    `json:"cpu"`
	Kernel  string    `json:"kernel"`
	Go      string    `json:"go"`
	Rows    []result  `json:"rows"`
}

// publish prints the summary and writes the files that were asked for.
func publish(p *place, results []result) error {
	summary(os.Stdout, results, append(p.peers, machineName))
	if p.json != "" {
		text, err := json.MarshalIndent(report{
			Date:    time.Now().UTC().Truncate(time.Second),
			Command: "bench " + strings.Join(os.Args[1:], " "),
			CPU:     cpuModel(), Kernel: kernel(), Go: runtime.Version(),
			Rows: results,
		}, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(p.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	if p.svg == "" {
		return nil
	}
	var drawn bytes.Buffer
	draw(&drawn, results, p.peers)
	return os.WriteFile(p.svg, drawn.Bytes(), 0o644)
}

func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // unknown without it
	_, rest, _ := strings.Cut(string(text), "model name")
	line, _, _ := strings.Cut(rest, "\n")
	return fmt.Sprintf("%d × %s", runtime.NumCPU(), strings.Trim(line, "\t :"))
}
