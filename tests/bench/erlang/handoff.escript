#!/usr/bin/env escript
%% Sixteen processes change their code one at a time with OTP's own means: suspend, checkpoint to
%% disk with fsync, code_change, resume. A client in a tight loop sees how long each did not answer.
%% usage: escript handoff.escript RECORDS FOLDER     prints: dark_us CLIENT ... / total_us TOTAL
%%! +S 2:2
-mode(compile).

main([RecordsText, Folder]) ->
    Records = list_to_integer(RecordsText),
    load(1),
    Names = [list_to_atom("slot" ++ integer_to_list(N)) || N <- lists:seq(1, 16)],
    [{ok, _} = gen_server:start({local, Name}, carrier, Records, []) || Name <- Names],
    load(2),
    Timed = [replace(Name, Folder) || Name <- Names],
    [{2, Records} = gen_server:call(Name, version) || Name <- Names],
    say("dark_us", [Dark || {Dark, _} <- Timed]),
    say("total_us", [lists:sum([Switch || {_, Switch} <- Timed])]).

say(What, Numbers) ->
    io:format("~s~s~n", [What, [[" ", integer_to_list(Number)] || Number <- Numbers]]).

replace(Name, Folder) ->
    Client = start_client(Name),
    timer:sleep(20),
    Began = erlang:monotonic_time(microsecond),
    ok = sys:suspend(Name),
    State = sys:get_state(Name),
    checkpoint(filename:join(Folder, Name), State),
    ok = sys:change_code(Name, carrier, 1, none),
    ok = sys:resume(Name),
    Switch = erlang:monotonic_time(microsecond) - Began,
    timer:sleep(20),
    Client ! {stop, self()},
    receive {longest, Micro} -> {Micro, Switch} end.

%% the longest time between two answers, from the client's side
start_client(Name) ->
    spawn_link(fun() -> loop(Name, erlang:monotonic_time(microsecond), 0) end).

loop(Name, Last, Longest) ->
    receive
        {stop, From} -> From ! {longest, Longest}
    after 0 ->
        _ = gen_server:call(Name, version, infinity),
        Now = erlang:monotonic_time(microsecond),
        loop(Name, Now, max(Longest, Now - Last))
    end.

checkpoint(Path, State) ->
    Temporary = Path ++ ".tmp",
    {ok, File} = file:open(Temporary, [write, raw, binary]),
    ok = file:write(File, term_to_binary(State)),
    ok = file:sync(File),
    ok = file:close(File),
    ok = file:rename(Temporary, Path),
    {ok, Folder} = file:open(filename:dirname(Path), [read, raw, directory]),
    _ = file:sync(Folder),
    ok = file:close(Folder).

%% two releases of one module, compiled from forms: each adds its version to the state
load(Version) ->
    Text = [
        "-module(carrier).",
        "-behaviour(gen_server).",
        "-export([init/1, handle_call/3, handle_cast/2, code_change/3]).",
        "init(N) -> {ok, {1, maps:from_list([{K, {K, K / 7, <<\"carried\">>}} || K <- lists:seq(1, N)])}}.",
        "handle_call(version, _, {V, M} = S) -> {reply, {V, map_size(M)}, S}.",
        "handle_cast(_, S) -> {noreply, S}.",
        "code_change(_, {_, M}, _) -> {ok, {" ++ integer_to_list(Version)
            ++ ", maps:map(fun(_, R) -> R end, M)}}."
    ],
    Forms = [form(Line) || Line <- Text],
    {ok, carrier, Binary} = compile:forms(Forms),
    code:purge(carrier),
    {module, carrier} = code:load_binary(carrier, "carrier", Binary).

form(Line) ->
    {ok, Tokens, _} = erl_scan:string(Line),
    {ok, Form} = erl_parse:parse_form(Tokens),
    Form.
