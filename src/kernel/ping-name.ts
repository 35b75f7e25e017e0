/** The form of the name of a program outside that pings: the name stands in an address, in a label and in a command. */
export const PING_NAME = /^[A-Za-z0-9][\w.-]{0,63}$/;
