// Package top is the live view of an observation: what export/top knows, on a screen.
package top
