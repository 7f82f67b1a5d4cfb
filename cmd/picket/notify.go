package main

import (
	"errors"
	"fmt"
	"net"
)

// notifyReady tells the service manager that started this process that it
// watches, as sd_notify(3) documents it. Without a manager, whose socket is in
// the environment variable NOTIFY_SOCKET, it does nothing.
func notifyReady(socket string) error {
	if socket == "" {
		return nil
	}
	// A name that starts with @ is an abstract one to package net too.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager that Picket is ready: %w", err)
	}
	_, err = conn.Write([]byte("READY=1"))
	if err = errors.Join(err, conn.Close()); err != nil {
		return fmt.Errorf("tell the service manager that Picket is ready: %w", err)
	}
	return nil
}
