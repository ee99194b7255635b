#!/usr/bin/env python3
"""CLIENT KILL, REPLY and LIST over sockets: what clients do to each other, and how they want to be told."""

import time

import kit
from kit import expect

SERVER = None  # set by main


def sent(*args):
    return kit.encode([kit.as_bytes(arg) for arg in args])


def number_of(client):
    return client.command("CLIENT", "ID")


def is_gone(client):
    """Whether the server has closed the connection: nothing comes, and there is an end."""
    return client.read_to_end() == b""


def listed():
    """CLIENT LIST as fields, by the connection's number."""
    with SERVER.connect() as one:
        lines = one.command("CLIENT", "LIST").decode().splitlines()
    return {int(fields["id"]): fields for fields in
            (dict(word.partition("=")[::2] for word in line.split(" ")) for line in lines)}


def a_client_is_killed_on_whatever_loop_it_lives():
    with SERVER.connect() as one:
        others = [SERVER.connect() for _ in range(8)]
        numbers = [number_of(other) for other in others]
        expect(one.command("CLIENT", "KILL", "ID", str(numbers[0])) == 1, "KILL ID")
        expect(is_gone(others[0]), "the killed one goes on")
        addresses = listed()
        expect(numbers[0] not in addresses, "the killed one is listed")
        expect(one.command("CLIENT", "KILL", addresses[numbers[1]]["addr"]) == b"OK", "KILL ADDRESS")
        expect(is_gone(others[1]), "the killed one goes on")
        expect(others[2].command("PING") == b"PONG", "another one was killed too")
        expect(one.command("CLIENT", "KILL", "TYPE", "normal") == 6, "six others were there")
        expect(all(is_gone(other) for other in others[2:]), "one of all goes on")
        expect(one.command("PING") == b"PONG", "SKIPME is the rule")
        for other in others:
            other.close()


def who_kills_itself_has_its_reply():
    with SERVER.connect() as one:
        expect(one.command("CLIENT", "KILL", "ID", str(number_of(one)), "SKIPME", "no") == 1, "KILL of itself")
        expect(is_gone(one), "it goes on")


def a_transaction_may_kill():
    with SERVER.connect() as one, SERVER.connect() as other:
        number = number_of(other)
        one.command("MULTI")
        one.command("SET", "killed", "yes")
        one.command("CLIENT", "KILL", "ID", str(number))
        expect(one.command("EXEC") == [b"OK", 1], "EXEC with CLIENT KILL")
        expect(is_gone(other), "the killed one goes on")


def killing_while_others_work():
    """Each of many asks for the end of all others: whoever is left can go on."""
    for _ in range(20):
        clients = [SERVER.connect() for _ in range(6)]
        for client in clients:
            client.send(sent("CLIENT", "KILL", "TYPE", "normal") + sent("SET", "k", "v") * 50)
            client.half_close()
        told = [client.read_to_end() for client in clients]  # to its end: no request may be left for the next case
        expect(any(text.count(b"+OK\r\n") == 50 for text in told), f"nobody was left to go on: {told}")
        for client in clients:
            client.close()
    with SERVER.connect() as one:
        expect(one.command("PING") == b"PONG", "the server does not answer")


def replies_are_left_out_when_nobody_wants_them():
    with SERVER.connect() as one:
        one.send(sent("CLIENT", "REPLY", "OFF") + sent("SET", "quiet", "1"))
        one.send(sent("INCR", "quiet") + sent("NOSUCH") + sent("GET", "quiet"))
        one.send(sent("MULTI") + sent("INCR", "quiet") + sent("EXEC"))
        expect(one.command("CLIENT", "REPLY", "ON") == b"OK", "something was told before")
        expect(one.command("GET", "quiet") == b"3", "what was not told was not done")
        one.send(sent("CLIENT", "REPLY", "SKIP") + sent("PING", "a"))
        expect(one.command("PING", "b") == b"b", "the reply after SKIP")
        one.send(sent("CLIENT", "REPLY", "SKIP"))
        expect(one.command("CLIENT", "REPLY", "ON") == b"OK", "ON after SKIP")
        expect(one.command("PING") == b"PONG", "SKIP is left over")


def a_large_value_is_not_told_either():
    with SERVER.connect() as one:
        large = b"x" * 300_000
        one.command("SET", "large", large)
        one.send(sent("CLIENT", "REPLY", "OFF") + sent("GET", "large") * 20)
        one.send(sent("SET", "large", large + b"y") + sent("HELLO", "3"))
        expect(one.command("CLIENT", "REPLY", "ON") == b"OK", "something was told before")
        expect(one.command("STRLEN", "large") == len(large) + 1, "SET in silence")
        one.send(sent("GET", "nosuch"))
        expect(one.raw_reply() == b"_\r\n", "HELLO in silence does not hold")


def the_list_has_all_fields_of_redis():
    wanted = ("id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp"
              " obl oll omem tot-mem events cmd user redir resp").split()
    with SERVER.connect() as one:
        one.command("CLIENT", "SETINFO", "LIB-NAME", "mine")
        one.command("WATCH", "a")
        line = one.command("CLIENT", "INFO").decode().rstrip("\n")
        fields = [word.partition("=")[0] for word in line.split(" ")]
        expect(fields == [*wanted, "lib-name"], f"fields {fields}")
        told = dict(word.partition("=")[::2] for word in line.split(" "))
        expect(told["qbuf"] == "26", f"the request under way is {told['qbuf']} bytes")  # *2 CLIENT INFO
        expect(int(told["multi-mem"]) > 0 and int(told["tot-mem"]) > 1000, f"memory of {line}")


def the_list_says_who_is_idle():
    with SERVER.connect() as one, SERVER.connect() as silent:
        number = number_of(silent)
        expect(listed()[number]["idle"] == "0", "who has just asked is not idle")
        deadline = kit.Deadline(10)
        while int(listed()[number]["idle"]) < 2:
            expect(not deadline.passed(), "who says nothing is not idle either")
            time.sleep(0.1)
            expect(one.command("PING") == b"PONG", "PING")
        expect(listed()[number_of(one)]["idle"] == "0", "who asks is idle")
        silent.command("PING")
        expect(listed()[number]["idle"] == "0", "who asks again is still idle")


def every_setting_can_be_set_to_what_it_is():
    """As Redis's own suite does with all that CONFIG GET tells."""
    with SERVER.connect() as one:
        told = one.command("CONFIG", "GET", "*")
        pairs = list(zip(told[::2], told[1::2]))
        expect(len(pairs) > 20 and (b"port", str(SERVER.resp_port).encode()) in pairs, f"settings {pairs}")
        for name, value in pairs:
            expect(one.command("CONFIG", "SET", name, value) == b"OK", f"{name} cannot be set to {value}")
        expect(one.command("CONFIG", "GET", "*") == told, "a setting is another now")
        expect(one.command("CONFIG", "SET", "port", "1") ==
               b"ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config",
               "the port was changed")


CASES = (a_client_is_killed_on_whatever_loop_it_lives, who_kills_itself_has_its_reply, a_transaction_may_kill,
         killing_while_others_work, replies_are_left_out_when_nobody_wants_them, a_large_value_is_not_told_either,
         the_list_has_all_fields_of_redis, the_list_says_who_is_idle, every_setting_can_be_set_to_what_it_is)


def main():
    global SERVER
    parser = kit.arguments(__doc__)
    parser.add_argument("--only", metavar="PATTERN")
    chosen = parser.parse_args()
    SERVER = kit.Plimsoll(chosen.plimsoll, "--line", "256MiB", "--loops", "2")
    with SERVER:
        kit.run_cases(CASES, chosen.only, SERVER)


if __name__ == "__main__":
    main()
