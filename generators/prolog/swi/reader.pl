/*  The clauses of a text as JSON: read as terms, never asserted, expanded or run.

    The reply has one array a line, each with the number of its line in the text:

        ["clause", 3, LITERAL, [LITERAL, ...]]     a fact or a rule: head and body
        ["goal", 9, LITERAL]                       `?- goal.`
        ["directive", 4, "goal"]                   `:- goal.`
        ["comment", 8, "% answer: true"]           a comment with the word `answer`
        ["syntax", 5, "text"]                      a syntax error; nothing is read after it
        ["error", 0, "text"]                       any other error
        ["end"]

        LITERAL  ::= ["+", "name", [ARGUMENT, ...]] | ["-", ...] for `-p(X)` and `neg(p(X))` | BAD
        ARGUMENT ::= ["variable", "X"] | ["name", "bob"] | BAD
        BAD      ::= ["bad", "kind", "text"], where the kind says what it is instead

    The operators are Prolog's own ones, since no directive is obeyed. Quasi quotations are not evaluated.
*/
:- module(reader, [clauses/2]).

%!  clauses(+Text, -Reply) is det.

clauses(Text, Reply) :-
    catch(with_output_to(string(Reply), replied(Text)), Error, failed(Error, Reply)),
    !.
clauses(_, "[\"error\", 0, \"no reply\"]\n[\"end\"]\n").

failed(Error, Reply) :-
    with_output_to(string(Reply), (message(Error), end)).

replied(Text) :-
    setup_call_cleanup(open_string(Text, Stream), items(Stream), close(Stream)),
    end.

end :-
    write("[\"end\"]\n").

items(Stream) :-
    repeat,
    % Nothing of an item is written when there is an error in the midst of it.
    catch(with_output_to(string(Item), item(Stream, More)), Error, true),
    (   var(Error) ->  write(Item) ;   message(Error), More = false ),
    More == false,
    !.

item(Stream, More) :-
    Options = [ module(reader_text), syntax_errors(error), dotlists(false), double_quotes(string),
                var_prefix(false), cycles(false), quasi_quotations(Quoted), variable_names(Names),
                term_position(Position), comments(Comments)
              ],
    read_term(Stream, Term, Options),
    forall(member(At-Comment, Comments), comment(At, Comment)),
    stream_position_data(line_count, Position, Line),
    (   Term == end_of_file, at_end_of_stream(Stream)
    ->  More = false
    ;   More = true,
        unnamed(Term, Names, All),
        (   Quoted == []
        ->  clause(Term, Line, All)
        ;   line("clause", Line), bad(quotation, Term, All), write(", []]\n")
        )
    ).

message(error(syntax_error(What), Context)) :-
    !,
    (   Context = stream(_, Line, _, _) ->  true ;   Line = 0 ),
    line("syntax", Line),
    format(string(Text), "~w", [What]),
    text(Text),
    write("]\n").
message(Error) :-
    line("error", 0),
    format(string(Text), "~q", [Error]),
    text(Text),
    write("]\n").

comment(At, Comment) :-
    (   sub_string(Comment, _, _, _, "answer")
    ->  stream_position_data(line_count, At, Line),
        line("comment", Line),
        text(Comment),
        write("]\n")
    ;   true
    ).

%   Names for all variables of a term: those without one are _1, _2, ...

unnamed(Term, Names, All) :-
    term_variables(Term, Variables),
    unnamed(Variables, Names, 1, More),
    append(Names, More, All).

unnamed([], _, _, []).
unnamed([Variable|Variables], Names, Number, All) :-
    atom_concat('_', Number, Name),
    Next is Number + 1,
    (   name_of(Variable, Names, _) ->  unnamed(Variables, Names, Number, All)
    ;   memberchk(Name=_, Names) ->  unnamed([Variable|Variables], Names, Next, All)
    ;   All = [Name=Variable|Rest],
        unnamed(Variables, Names, Next, Rest)
    ).

name_of(Variable, [Name=Other|Names], Found) :-
    (   Variable == Other ->  Found = Name ;   name_of(Variable, Names, Found) ).

% ---- clauses

clause(Term, Line, Names) :-
    nonvar(Term),
    Term = (:- Goal),
    !,
    line("directive", Line),
    quoted(Goal, Names),
    write("]\n").
clause(Term, Line, Names) :-
    nonvar(Term),
    Term = (?- Goal),
    !,
    line("goal", Line),
    literal(Goal, Names),
    write("]\n").
clause(Term, Line, Names) :-
    nonvar(Term),
    Term = (Head :- Body),
    !,
    line("clause", Line),
    literal(Head, Names),
    write(", ["),
    body(Body, Names),
    write("]]\n").
clause(Head, Line, Names) :-
    line("clause", Line),
    literal(Head, Names),
    write(", []]\n").

body(Body, Names) :-
    nonvar(Body),
    Body = (Left, Right),
    !,
    body(Left, Names),
    write(", "),
    body(Right, Names).
body(Literal, Names) :-
    literal(Literal, Names).

literal(Term, Names) :-
    (   instead(Term, Kind)
    ->  bad(Kind, Term, Names)
    ;   signed(Term, Sign, Atom),
        format("[\"~w\", ", [Sign]),
        functor(Atom, Name, _),
        text(Name),
        write(", ["),
        Atom =.. [_|Arguments],
        arguments(Arguments, Names),
        write("]]")
    ).

signed(-(Atom), -, Atom) :- !.
signed(neg(Atom), -, Atom) :- !.
signed(Atom, +, Atom).

%   instead(+Term, -Kind): Term is no literal but something else.

instead(Term, variable) :- var(Term), !.
instead(-(Term), Kind) :- !, denied(Term, Kind).
instead(neg(Term), doubtful) :- \+ compound(Term), !.
instead(neg(Term), Kind) :- !, denied(Term, Kind).
instead(Term, Kind) :- unusual(Term, Kind).

denied(Term, variable) :- var(Term), !.
denied(-(_), twice) :- !.
denied(neg(_), twice) :- !.
denied(Term, Kind) :- unusual(Term, Kind).

unusual(Term, Kind) :- is_list(Term), !, Kind = list.
unusual([_|_], list) :- !.
unusual(Term, dict) :- is_dict(Term), !.
unusual(Term, string) :- string(Term), !.
unusual(Term, number) :- number(Term), !.
unusual(Term, empty) :- compound(Term), compound_name_arity(Term, _, 0), !.
unusual(Term, Kind) :- functor(Term, Name, Arity), control(Name, Arity, Kind), !.
unusual(Term, name) :- functor(Term, Name, _), \+ atom(Name), !.
unusual(Term, builtin) :- callable(Term), predicate_property(system:Term, built_in), !.

control(\+, 1, failure).
control(not, 1, failure).
control(',', 2, conjunction).
control(;, 2, disjunction).
control('|', 2, disjunction).
control(->, 2, condition).
control(*->, 2, condition).
control(!, 0, cut).
control(:-, _, clause).
control(?-, _, clause).
control(-->, 2, clause).
control(=>, 2, clause).
control(:, 2, module).
control(end_of_file, 0, end_of_file).
control(Name, 2, arithmetic) :-
    memberchk(Name, [is, =:=, =\=, <, >, =<, >=, +, -, *, /, //, mod, rem, **, ^, =, \=, ==, \==]).

arguments([], _).
arguments([Argument|Arguments], Names) :-
    argument(Argument, Names),
    (   Arguments == [] ->  true ;   write(", ") ),
    arguments(Arguments, Names).

argument(Argument, Names) :-
    var(Argument),
    !,
    name_of(Argument, Names, Name),
    format("[\"variable\", \"~w\"]", [Name]).
argument(Argument, Names) :-
    other(Argument, Kind),
    !,
    bad(Kind, Argument, Names).
argument(Argument, _) :-
    (   atom(Argument), atom_number(Argument, _) ->  Format = "~q" ;   Format = "~w" ),
    format(string(Text), Format, [Argument]),
    write("[\"name\", "),
    text(Text),
    write("]").

other(Term, list) :- is_list(Term), !.
other([_|_], list) :- !.
other(Term, dict) :- is_dict(Term), !.
other(Term, string) :- string(Term), !.
other(Term, number) :- number(Term), \+ integer(Term), !.
other(Term, compound) :- compound(Term), !.
other(Term, name) :- \+ atom(Term), \+ integer(Term).

% ---- JSON

line(Kind, Line) :-
    format("[\"~w\", ~d, ", [Kind, Line]).

bad(Kind, Term, Names) :-
    format("[\"bad\", \"~w\", ", [Kind]),
    quoted(Term, Names),
    write("]").

quoted(Term, Names) :-
    Options = [quoted(true), max_depth(8), numbervars(false), variable_names(Names), spacing(next_argument)],
    with_output_to(string(Text), write_term(Term, Options)),
    text(Text).

text(Text) :-
    put_char('"'),
    string_codes(Text, Codes),
    forall(member(Code, Codes), escaped(Code)),
    put_char('"').

escaped(Code) :-
    (   memberchk(Code, [0'", 0'\\]) ->  format("\\~c", [Code])
    ;   Code < 32 ->  format("\\u~|~`0t~16r~4+", [Code])
    ;   put_char_code(Code)
    ).

put_char_code(Code) :-
    char_code(Char, Code),
    put_char(Char).
