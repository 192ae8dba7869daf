/** Texts that try to do something to whoever shows them. */
export const HOSTILE: readonly string[] = [
  '\u001b[2J\u001b]0;owned\u0007 cleared',
  'left \u202e thgir \u2066 isolate \u2069',
  '\u009b31m C1 \u0085 \u2028 \u2029 \u0000 \r',
  'zero\u200bwidth\ufeff and tags \u{e0041}\u{e0042}',
  '<script>alert(1)</script> <img src=x onerror=alert(1)> <!-- -->',
  '[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example> https://evil.example www.evil.example a@evil.example',
  '```\n# heading\n| a | b |\n- list\n1. one\n> quote\n\n---\n~~~\n    code\n\\*',
  '&lt;b&gt; &#60;script&#62; &copy;',
  '\ud800 lone surrogate',
];
